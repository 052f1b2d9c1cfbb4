"""Every message is there in every language, with the same placeholders."""

from __future__ import annotations

import ast
import string
from pathlib import Path

import pytest

from errors import UserError
from translations import LOCALES, catalog, negotiate

ROOT = Path(__file__).parent.parent


def marked_messages() -> set[str]:
    """Texts in `_("…")`, and the `message` of every error class."""
    found = set()
    for file in ROOT.rglob("*.py"):
        if any(part in {".venv", "tests", "node_modules", "var"} for part in file.relative_to(ROOT).parts):
            continue
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "_":
                found.add(ast.literal_eval(node.args[0]))
    return found | {cls.message for cls in every_error()}


def every_error(base: type[UserError] = UserError) -> list[type[UserError]]:
    found = []
    for cls in base.__subclasses__():
        found += [cls, *every_error(cls)]
    return found


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("locale", [locale for locale in LOCALES if locale != "en"])
def test_every_message_is_translated(locale: str) -> None:
    missing = sorted(marked_messages() - set(catalog(locale)))

    assert missing == []


@pytest.mark.parametrize("locale", [locale for locale in LOCALES if locale != "en"])
def test_translations_keep_the_placeholders(locale: str) -> None:
    for message, translated in catalog(locale).items():
        assert placeholders(translated) == placeholders(message), message


@pytest.mark.parametrize(
    ("header", "locale"),
    [
        ("ru", "ru"),
        ("ru-RU,ru;q=0.9,en;q=0.8", "ru"),
        ("de, en;q=0.5", "en"),
        ("de", None),
        ("", None),
        ("x;q=y", None),
    ],
)
def test_accept_language_is_understood(header: str, locale: str | None) -> None:
    assert negotiate(header) == locale
