"""One spelling of each e-mail address, from the form that someone fills in to the server that takes the mail."""

from __future__ import annotations

import re
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from unicodedata import normalize

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from errors import UserError
from integrations.mail import Mail, MailRefused, message_of, sender_of
from integrations.mail_addresses import Fault, NotMailable, canonical, login_key
from models.core.base import is_mail_address
from resolvers.people.accounts import EmailTooLong, InvalidEmail, InvalidEmailDomain, InvalidEmailName, check_email
from settings import SettingsError

SENDER = sender_of("Wingding <noreply@example.org>")
SPELLINGS = {
    "ada@example.org": [" ada@example.org ", "ada@EXAMPLE.org", "ａｄａ＠ｅｘａｍｐｌｅ．ｏｒｇ", "ada@example。org"],
    "ada@xn--fa-hia.de": ["ada@faß.de", "ada@FAß.de", "ada@FAẞ.DE", "ada@XN--FA-HIA.de"],
    "ada@fass.de": ["ada@FASS.de", "ada@ｆａｓｓ.de"],
    "ada@xn--e1afmkfd.xn--p1ai": ["ada@пример.рф", "ada@ПРИМЕР.РФ", "ada@xn--e1afmkfd.рф", "ada@пример｡рф"],
    "ada@xn--caf-dma.fr": ["ada@café.fr", "ada@cafe\u0301.fr", "ada@CAFÉ.fr", "ada@CAFE\u0301.FR"],
    "ada@xn--d1ajbpd4f.xn--p1ai": [
        normalize(form, "ada@йодный.рф").upper().replace("ADA", "ada") for form in ("NFC", "NFD", "NFKD")
    ],
    "ada@xn--nxasmm1c.com": ["ada@βόλος.com", "ada@ΒΌΛΟΣ.com".replace("Σ", "ς")],
    "ada@xn--nxasmq6b.com": ["ada@βόλοσ.com", "ada@ΒΌΛΟΣ.com"],
    "Ada+tag.x_y@example.org": ["Ada+tag.x_y@Example.ORG"],
}
"""By IDNA 2008 and UTS #46 ß and ς are letters of their own, though their capitals are those of ss and σ."""
NOT_MAILABLE = [
    "", "ada", "@", "ada@", "@example.org", "a b@example.org", "ada@example.org, eve@example.org",
    "ada@example.org\r\nBcc: eve@example.org", "Ada <ada@example.org>", '"a b"@example.org', "ada@[127.0.0.1]",
    "ada@localhost", "ada@example", "ada@exa_mple.org", "ada@-example.org", "ada@example..org", "ada@xn--a.org",
    "почта@пример.рф", "josé@example.org", "jose\u0301@example.org", "ada@examp\u200dle.org", "ada@☃\ud800.org",
    "ada@" + "a" * 64 + ".org", "a" * 65 + "@example.org", "ada@" + "a." * 130 + "org",
    "x" * 2_000_000 + "@example.org",
]  # fmt: skip


@pytest.mark.parametrize(("wanted", "typed"), [(kept, one) for kept, typed in SPELLINGS.items() for one in typed])
def test_every_spelling_of_an_address_is_one_address(wanted: str, typed: str) -> None:
    assert canonical(typed) == wanted
    assert login_key(typed) == login_key(wanted) == wanted.lower()
    assert mailed_to(typed) == wanted


def test_owners_that_look_alike_are_told_apart() -> None:
    assert len({login_key(one) for one in SPELLINGS}) == len(SPELLINGS)


FAULTS = {
    Fault.FORM: (InvalidEmail, ["", " ", "ada", "@", "ada@", "@example.org"]),
    Fault.LENGTH: (EmailTooLong, ["ada@" + "a." * 130 + "org", "x" * 2_000 + "@example.org"]),
    Fault.NAME: (
        InvalidEmailName,
        ["почта@пример.рф", "a b@example.org", "a..b@b.org", "a" * 65 + "@b.org"],
    ),
    Fault.DOMAIN: (InvalidEmailDomain, ["x@localhost", "x@a..dev", "ada@example", "a@exa_mple.org", "a@[127.0.0.1]"]),
}


@pytest.mark.parametrize("fault", Fault)
def test_what_is_wrong_with_an_address_is_said(fault: Fault) -> None:
    wanted, typed = FAULTS[fault]
    for one in typed:
        problems: list[UserError] = []
        check_email(problems, one, "email")
        assert [type(problem) for problem in problems] == [wanted], one


@pytest.mark.parametrize("typed", NOT_MAILABLE, ids=lambda typed: typed[:30])
def test_what_no_mail_can_be_sent_to_is_no_address(typed: str) -> None:
    with pytest.raises(NotMailable):
        canonical(typed)
    with pytest.raises(MailRefused):
        mailed_to(typed)
    login_key(typed)


def test_special_use_domains_are_as_documented() -> None:
    """In `docs/accounts.md`: each, and a name below it."""
    page = (Path(__file__).parents[2] / "docs" / "accounts.md").read_text().partition("## Ways")[0]
    never, _, taken = page.partition("never mailed to:")[2].partition("The names for")
    assert {"onion", "alt"} <= set(re.findall(r"`([a-z]+)`", never))
    for name in re.findall(r"`([a-z]+)`", never):
        with pytest.raises(NotMailable):
            canonical(f"ada@sub.{name}")
    for name in set(re.findall(r"`([a-z]+(?:\.[a-z]+)?)`", taken)):
        assert canonical(f"ada@sub.{name}") == f"ada@sub.{name}"


letters = st.characters(codec="utf-8", exclude_categories=("Cs",))
addresses = st.builds(
    lambda local, domain: f"{local}@{domain}",
    st.one_of(st.text("abcXYZ019!#$%&'*+-/=?^_`{|}~.", min_size=1, max_size=70), st.text(letters, max_size=5)),
    st.lists(
        st.one_of(
            st.text("abcdefghijklmnopqrstuvwxyzABC-0123456789", min_size=1, max_size=63),
            st.text("абвгдеёжзийклмнопрстуфхцчшщъыьэюяßςéüñøıİǅ", min_size=1, max_size=20),
            st.text(letters, min_size=1, max_size=8),
        ),
        min_size=1,
        max_size=4,
    ).map(lambda labels: ".".join([*labels, "org"])),
)

MANY_CANNOT_BE_MAILED = settings(suppress_health_check=[HealthCheck.filter_too_much])


@MANY_CANNOT_BE_MAILED
@given(addresses)
@example("a@faß.org")
@example("~{|}@org.ß.org")
@example("a" * 64 + "@" + "b" * 63 + "." + "c" * 63 + ".org")
def test_an_address_that_is_taken_is_mailed_as_it_is_kept(typed: str) -> None:
    try:
        kept = canonical(typed)
    except NotMailable:
        assume(False)
    assert kept.isascii()
    assert re.fullmatch(r"[!-?A-~]+@[a-z0-9.-]+", kept)
    assert "'^[!-?A-~]+@[a-z0-9.-]+$'" in is_mail_address("email")
    assert canonical(kept) == kept
    assert mailed_to(kept) == kept
    for spelling in (typed, normalize("NFD", typed), normalize("NFC", typed), f"\t{typed}\n"):
        assert login_key(spelling) == kept.lower()


@MANY_CANNOT_BE_MAILED
@given(addresses)
def test_the_case_of_a_login_does_not_matter(typed: str) -> None:
    try:
        kept = canonical(typed)
    except NotMailable:
        assume(False)
    assert login_key(kept.upper()) == login_key(kept.lower()) == login_key(kept)


def test_mail_comes_from_a_domain_in_ascii() -> None:
    message = message_of(Mail("key", "ada@example.org", "s", "t", "h"), sender_of("Винг <noreply@faß.de>"))

    assert message["From"].addresses[0].addr_spec == "noreply@xn--fa-hia.de"
    assert message["Message-ID"] == "<key@xn--fa-hia.de>"


@pytest.mark.parametrize("mail_from", ["", "Wingding", "почта@example.org", "a b@example.org", "a@\u200b"])
def test_a_wrong_sender_is_named(mail_from: str) -> None:
    with pytest.raises(SettingsError, match="MAIL_FROM"):
        sender_of(mail_from)


def mailed_to(address: str) -> str:
    """Whom a mail goes to, in the header as other programs read it."""
    message = message_of(Mail("key", address, "subject", "text", "html"), SENDER)
    read = message_from_bytes(message.as_bytes(), policy=default)
    [header] = read["To"].addresses
    assert message["To"].addresses[0].addr_spec == header.addr_spec
    return str(header.addr_spec)
