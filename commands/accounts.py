"""What commands about accounts share."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from errors import StartError, UserError, UserErrors
from translations import Reader


@contextmanager
def refusals_told() -> Iterator[None]:
    """Raise `StartError` with the words of what a rule refuses."""
    try:
        yield
    except (UserError, UserErrors) as refusal:
        errors = refusal.errors if isinstance(refusal, UserErrors) else [refusal]
        words = Reader("en")
        said = (f"{'.'.join(one.path)}: {words.say(one.message, one.params)}" for one in errors)
        raise StartError(" ".join(said)) from refusal


def asked_password() -> str:
    """Ask for a new password: twice at a terminal, else the first line of standard input."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    password = getpass.getpass("Password: ")
    if getpass.getpass("Again: ") != password:
        raise StartError("the two passwords differ")
    return password
