"""E-mail addresses: the one spelling in which each is kept, compared and mailed.

Its domain is in ASCII, by IDNA 2008 with the mapping of UTS #46, non-transitional: `faß.de` and `fass.de` have
different owners. Python's own codec knows IDNA 2003, which makes one of the two; no domain may meet it.
"""

from __future__ import annotations

from contextlib import suppress
from enum import Enum
from unicodedata import decomposition, normalize

import idna
from email_validator import EmailNotValidError, ValidatedEmail, validate_email

EMAIL_MAX_LENGTH = 254
"""Characters of an address (RFC 5321)."""
LONGEST_TRIED = 1000
"""Characters. A longer text is no address, and is not looked at."""

OUTSIDE_DNS = frozenset({"alt"})
"""Special-use domains without names in the DNS (RFC 9476) that the validator does not know. Which it does is told in
`docs/accounts.md`.
"""


class Fault(Enum):
    """A fault of an address."""

    FORM = "It has no name, no @ or no domain."
    LENGTH = "It is too long."
    NAME = "What stands before the @ cannot be mailed to."
    DOMAIN = "What stands after the @ is no domain that gets mail."


class NotMailable(ValueError):
    """No mail can be sent there."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        super().__init__(fault.value)


def canonical(text: str) -> str:
    """Return the address as it is stored and mailed. Raises `NotMailable`.

    The part before the @ keeps its case, which is the business of the recipient's server. It has to be ASCII: nobody
    knows beforehand whether every server on the way takes anything else (RFC 6531).
    """
    if len(text) > LONGEST_TRIED:
        raise NotMailable(Fault.LENGTH)
    typed = _typed(text)
    try:
        checked = _checked(typed)
    except EmailNotValidError as error:
        raise NotMailable(_fault_of(typed)) from error
    return f"{checked.local_part}@{checked.ascii_domain}"


def _checked(typed: str) -> ValidatedEmail:
    checked = validate_email(
        typed, allow_smtputf8=False, strict=True, check_deliverability=False, test_environment=True
    )
    if checked.ascii_domain.rpartition(".")[2] in OUTSIDE_DNS:
        raise EmailNotValidError
    return checked


def _fault_of(typed: str) -> Fault:
    """Return the fault of text that is no address: its name is good if it is one with another domain."""
    name, _at, domain = typed.rpartition("@")
    if not name or not domain:
        return Fault.FORM
    if len(typed) > EMAIL_MAX_LENGTH:
        return Fault.LENGTH
    with suppress(EmailNotValidError):
        _checked(f"{name}@example.org")
        return Fault.DOMAIN
    return Fault.NAME


def ascii_domain(domain: str) -> str:
    """Return a host's name as the network knows it, also if it gets no mail from outside. Raises `NotMailable`."""
    if domain.isascii():
        return domain.lower()
    try:
        return idna.encode(domain, uts46=True).decode()
    except idna.IDNAError as error:
        raise NotMailable(Fault.DOMAIN) from error


def spellings(address: str) -> tuple[str, ...]:
    """Return the spellings of a stored address: with its domain in ASCII, and in the letters of its language."""
    name, _at, domain = address.rpartition("@")
    with suppress(idna.IDNAError):
        return address, f"{name}@{idna.decode(domain)}"
    return (address,)


def login_key(login: str) -> str:
    """Return the form by which logins are compared: the address that it spells, else the handle, in one case."""
    typed = _typed(login[:LONGEST_TRIED])
    if "@" in typed:
        with suppress(NotMailable):
            return canonical(typed).lower()
    return typed.lower()


def _typed(text: str) -> str:
    """Without outer spaces; letters of East Asian keyboards, which have a width of their own, as plain ones."""
    return "".join(normalize("NFKC", one) if _has_width(one) else one for one in text.strip())


def _has_width(letter: str) -> bool:
    return decomposition(letter).startswith(("<wide>", "<narrow>"))
