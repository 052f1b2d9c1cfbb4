"""Texts of our mails. The words are messages like any other, translated by `translations/`; two layouts carry them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from errors import _
from integrations.mail import Mail
from translations import Reader, one_line, placeholders


@dataclass(frozen=True)
class Template:
    """Words of one kind of mail. A `link` among the values becomes the button `action`."""

    subject: str
    lines: tuple[str, ...]
    action: str
    footer: str = ""


_CIRCUMSTANCES = (_("When: {at}."), _("Program: {program}"), _("Network address: {address}"))
_NOT_YOU = _("If it was not you, choose a new password at once and end the sessions that you do not know.")
_NOTHING_HAS_CHANGED = _("If it was not you, ignore this mail: nothing has changed.")
_SECURITY = {
    "PASSWORD_CHANGED": (_("Your password was changed"), _("The password of your account was changed.")),
    "NEW_DEVICE": (
        _("A new device has signed in"),
        _("Someone signed in to your account from a device and a network that are new to it."),
    ),
    "PROVIDER_LINKED": (
        _("Another way to sign in was added"),
        _("An account at another service was linked to yours and can now sign in to it."),
    ),
    "PROVIDER_UNLINKED": (
        _("A way to sign in was removed"),
        _("An account at another service can no longer sign in to yours."),
    ),
    "EMAIL_CHANGE_ASKED": (
        _("A new e-mail address was requested"),
        _("A new e-mail address was requested for your account. This one stays in use until the new one is confirmed."),
    ),
    "EMAIL_CHANGED": (
        _("Your e-mail address was changed"),
        _("Your account now has a different e-mail address. This one is no longer used."),
    ),
    "LOCKED_OUT": (
        _("Too many wrong passwords"),
        _(
            "Someone tried many wrong passwords for your account. For 15 minutes, no password is "
            "accepted from new places."
        ),
        _("Devices from which you have signed in are not affected, and a link to set a new password always works."),
    ),
    "DELETION_ASKED": (
        _("Your account will be deleted"),
        _("Your account will be deleted on {ends_at}. Until then you can sign in and keep it."),
        _(
            "Your address, names and profile, your notes and notifications, and all ways to sign in "
            "are then erased. Your places at upcoming events are given back, and you leave your "
            "clubs and chats."
        ),
        _("Your messages, your reviews and your past visits remain, without your name."),
    ),
    "DELETION_CANCELLED": (
        _("The deletion of your account was cancelled"),
        _("Your account will not be deleted after all."),
    ),
}
"""The subject and the text of a security notice, by kind."""

TEMPLATES = {
    "notification": Template(
        subject=_("{title}"),
        lines=(_("{body}"),),
        action=_("Open Wingding"),
        footer=_("You can choose in your notification settings what is sent by e-mail."),
    ),
    "sign_up": Template(
        subject=_("Finish signing up"),
        lines=(
            _("Hello!"),
            _("Open the link to choose a password and finish signing up. It works once, until {ends_at}."),
        ),
        action=_("Finish signing up"),
        footer=_("If you did not sign up, ignore this mail. No account has been created."),
    ),
    "verify_email": Template(
        subject=_("Confirm your e-mail address"),
        lines=(
            _("Hello!"),
            _("Sign in and open the link to confirm that this address is yours. It works once, until {ends_at}."),
        ),
        action=_("Confirm the address"),
        footer=_("If you did not ask for this, ignore this mail: nothing will happen."),
    ),
    "reset_password": Template(
        subject=_("Choose a new password"),
        lines=(
            _("Hello!"),
            _("Someone asked for a new password for your account. The link works once, until {ends_at}."),
        ),
        action=_("Choose a password"),
        footer=_("If it was not you, ignore this mail: your password stays as it is."),
    ),
    "data_export": Template(
        subject=_("Your data is ready"),
        lines=(
            _("Hello!"),
            _("The copy of your data that you asked for can be downloaded until {ends_at}. Sign in to get it."),
        ),
        action=_("Download your data"),
        footer=_NOT_YOU,
    ),
    "sign_up_repeated": Template(
        subject=_("You already have an account"),
        lines=(
            _("Hello!"),
            _("Someone tried to sign up with this e-mail address, but it belongs to your account."),
            _("If it was you, just sign in. If you have forgotten the password, you can choose a new one."),
        ),
        action=_("Sign in"),
        footer=_NOTHING_HAS_CHANGED,
    ),
    "address_wanted": Template(
        subject=_("Someone gave your e-mail address as theirs"),
        lines=(
            _("Hello!"),
            _("Someone tried to use this e-mail address for another account. It belongs to yours and stays there."),
            _("If it was you, give your other account another address, or sign in to this one."),
        ),
        action=_("Sign in"),
        footer=_NOTHING_HAS_CHANGED,
    ),
} | {
    f"security_{kind}": Template(
        subject=subject, lines=(_("Hello!"), *lines, *_CIRCUMSTANCES), action=_("Check your account"), footer=_NOT_YOU
    )
    for kind, (subject, *lines) in _SECURITY.items()
}

_layouts = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "mail_templates"),
    autoescape=select_autoescape(["html"]),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def compose(template: str, *, key: str, to: str, reader: Reader, **values: Any) -> Mail:
    """Compose a mail in the reader's language. `key` names it: sent again under the same key it is the same mail.

    Values: `title` and `body` for `notification`, and `link` if there is one.
    """
    chosen = TEMPLATES[template]
    link = values.pop("link", None)

    subject = one_line(reader.say(chosen.subject, values))
    context = {
        "locale": reader.locale,
        "subject": subject,
        "lines": [
            line
            for message in chosen.lines
            if set(placeholders(message)) <= values.keys() and (line := reader.say(message, values).strip())
        ],
        "action": reader.say(chosen.action),
        "link": link,
        "footer": reader.say(chosen.footer) if chosen.footer else "",
    }
    return Mail(
        key=key,
        to=to,
        subject=subject,
        text=_layouts.get_template("layout.txt").render(context).strip() + "\n",
        html=_layouts.get_template("layout.html").render(context),
    )
