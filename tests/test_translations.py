"""Every message is there in every language, with the same placeholders, and says raw values in words."""

from __future__ import annotations

import ast
import inspect
import os
import re
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from babel import Locale

import app  # noqa: F401  # every class of an error is known once everything is imported
import models
from errors import Params, Plural, RateLimited, TooLong, UserError
from models import Event, EventStatus, MembershipState, ModerationState, uuid7
from resolvers.events.validation import ServicesWouldLieOutside
from tests.test_layout import AREAS
from tests.tools.syntax import nodes
from translations import LOCALES, Reader, negotiate, placeholders
from translations.catalogs import read_catalog
from translations.wording import plain_name

ROOT = Path(__file__).parent.parent
TRANSLATED = [locale for locale in LOCALES if locale != "en"]


@cache
def sources() -> list[Path]:
    left_out = {".venv", "tests", "node_modules", "var", "benchmarks"}
    found = []
    for folder, folders, files in os.walk(ROOT):
        folders[:] = [name for name in folders if name not in left_out]
        found += [Path(folder, name) for name in files if name.endswith(".py")]
    return found


@cache
def marked_in(file: Path) -> set[str | Plural]:
    """Texts in `_("…")` and `_n("…", "…", by=…)`."""
    found: set[str | Plural] = set()
    for node in nodes(file):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("_", "_n"):
            texts = [ast.literal_eval(one) for one in node.args]
            by = [ast.literal_eval(one.value) for one in node.keywords]
            found.add(texts[0] if node.func.id == "_" else Plural(*texts, *by))
    return found


@cache
def marked_messages() -> set[str | Plural]:
    return {message for file in sources() for message in marked_in(file)}


def area_of(file: Path) -> str:
    """The area of a file; `core` of those that belong to none."""
    parts = file.relative_to(ROOT).with_suffix("").parts
    return next((part for part in parts[1:3] if part in AREAS), "core")


def every_error(base: type[UserError] = UserError) -> list[type[UserError]]:
    found = []
    for cls in base.__subclasses__():
        found += [cls, *every_error(cls)]
    return found


def forms_of(message: str | Plural) -> tuple[str, ...]:
    return (message.one, message.other) if isinstance(message, Plural) else (message,)


def words_in(message: str | Plural) -> set[str]:
    return {name for form in forms_of(message) for name in placeholders(form)}


@pytest.mark.parametrize("locale", TRANSLATED)
def test_every_message_is_translated(locale: str) -> None:
    known = {message.id for message in read_catalog(locale)}

    missing = [one for one in marked_messages() if (tuple(one)[:2] if isinstance(one, Plural) else one) not in known]

    assert missing == []


@pytest.mark.parametrize("locale", TRANSLATED)
def test_nothing_is_translated_that_nobody_says(locale: str) -> None:
    said = {tuple(one)[:2] if isinstance(one, Plural) else one for one in marked_messages()}

    assert [one.id for one in read_catalog(locale) if one.id and not one.context and one.id not in said] == []


@pytest.mark.parametrize("locale", TRANSLATED)
def test_what_one_area_says_is_translated_in_its_file(locale: str) -> None:
    said: dict[Any, set[str]] = {}
    for file in sources():
        for one in marked_in(file):
            said.setdefault(tuple(one)[:2] if isinstance(one, Plural) else one, set()).add(area_of(file))

    for area in AREAS:
        translated = {message.id for message in read_catalog(locale, area) if message.id and not message.context}
        assert translated == {message for message, areas in said.items() if areas == {area}}


@pytest.mark.parametrize("locale", TRANSLATED)
def test_translations_keep_the_placeholders_in_every_form(locale: str) -> None:
    forms = len({Locale.parse(locale).plural_form(number) for number in range(100)})
    for message in read_catalog(locale):
        if not message.id:
            continue
        originals = message.id if isinstance(message.id, tuple) else (message.id,)
        translated = message.string if isinstance(message.string, tuple) else (message.string,)
        assert {frozenset(placeholders(one)) for one in translated} == {frozenset(placeholders(originals[-1]))}
        assert len(translated) == (forms if len(originals) == 2 else 1), message.id


SINGULAR = re.compile(r"\b(его|её|него|неё|нему|ней|нём|ему|ей)\b", re.IGNORECASE)


def test_the_first_russian_form_fits_twenty_one_too() -> None:
    """It is said of 1, 21, 31 …, so nothing in it may mean a single thing."""
    forms = [message.string[0] for message in read_catalog("ru") if isinstance(message.id, tuple)]

    assert len(forms) > 5
    assert [form for form in forms if SINGULAR.search(form)] == []


NAMED = [
    one
    for one in vars(models).values()
    if inspect.isclass(one)
    and issubclass(one, Enum)
    and one.__name__ not in ("NotificationType", "OneTimePurpose", "SecurityNoticeKind")
]


@pytest.mark.parametrize("locale", TRANSLATED)
@pytest.mark.parametrize("enum", NAMED, ids=lambda enum: enum.__name__)
def test_every_state_has_a_name(enum: type[Enum], locale: str) -> None:
    known = {message.id for message in read_catalog(locale) if message.context == enum.__name__}

    assert known == {plain_name(member) for member in enum}


NEW_YEAR = datetime(2026, 12, 31, 21, tzinfo=UTC)
RAW: dict[str, Any] = {
    "status": EventStatus.PENDING_REVIEW, "opens_at": NEW_YEAR, "closes_at": NEW_YEAR, "starts_at": NEW_YEAR,
    "ends_at": NEW_YEAR, "earliest": NEW_YEAR, "latest": NEW_YEAR, "maximum_amount": Decimal("99999999.99"),
    "allowed": ["ru", "en"], "conflicts_with": [Event(id=uuid7())], "time_zone": "Europe/Moscow",
}  # fmt: skip
NUMBERS = (1, 2, 5, 21, 12_000)
UNSAID = re.compile(r"\d{4}-\d\d-\d\dT|\+00:00|\b[A-Z]{2,}_[A-Z_]+\b|[{}]|\bNone\b|datetime|<|Decimal")


@pytest.mark.parametrize("locale", LOCALES)
def test_no_refusal_says_a_raw_value(locale: str) -> None:
    raw = []
    for cls, number in product(every_error(), NUMBERS):
        params = {name: RAW.get(name, number) for name in Params.__annotations__}

        text = Reader(locale, "Europe/Berlin").say(cls.message, params)

        if UNSAID.search(text):
            raw.append((cls.__name__, text))

    assert raw == []


WAITS = [
    ("en", 1, "Too many attempts. Try again in 1 second."),
    ("en", 2, "Too many attempts. Try again in 2 seconds."),
    ("en", 5, "Too many attempts. Try again in 5 seconds."),
    ("en", 21, "Too many attempts. Try again in 21 seconds."),
    ("ru", 1, "Слишком много попыток. Повторите через 1 секунду."),
    ("ru", 2, "Слишком много попыток. Повторите через 2 секунды."),
    ("ru", 5, "Слишком много попыток. Повторите через 5 секунд."),
    ("ru", 11, "Слишком много попыток. Повторите через 11 секунд."),
    ("ru", 21, "Слишком много попыток. Повторите через 21 секунду."),
    ("ru", 112, "Слишком много попыток. Повторите через 112 секунд."),
    ("en", 121, "Too many attempts. Try again in 3 minutes."),
    ("ru", 894, "Слишком много попыток. Повторите через 15 минут."),
    ("ru", 7200, "Слишком много попыток. Повторите через 2 часа."),
]


@pytest.mark.parametrize(("locale", "number", "text"), WAITS)
def test_a_wait_is_told_in_words(locale: str, number: int, text: str) -> None:
    assert Reader(locale).say(RateLimited.message, {"retry_after": number}) == text


PLURALS = [
    (TooLong, "en", {"maximum": 1}, "At most 1 character."),
    (TooLong, "en", {"maximum": 5}, "At most 5 characters."),
    (TooLong, "ru", {"maximum": 1}, "Не больше 1 символа."),
    (TooLong, "ru", {"maximum": 5}, "Не больше 5 символов."),
    (ServicesWouldLieOutside, "ru", {"count": 1}, "Вне события оказалась бы 1 услуга. "),
    (ServicesWouldLieOutside, "ru", {"count": 3}, "Вне события оказались бы 3 услуги. "),
    (ServicesWouldLieOutside, "ru", {"count": 11}, "Вне события оказались бы 11 услуг. "),
    (ServicesWouldLieOutside, "ru", {"count": 21}, "Вне события оказалась бы 21 услуга. "),
]


@pytest.mark.parametrize(("cls", "locale", "params", "text"), PLURALS)
def test_a_number_chooses_its_words(cls: type[UserError], locale: str, params: dict[str, Any], text: str) -> None:
    assert Reader(locale).say(cls.message, params).startswith(text)


NUMBERED = {
    cls.message
    for cls in every_error()
    if isinstance(cls.message, str) and {"count", "taken", "minimum", "maximum"} & words_in(cls.message)
}
NO_PLURAL = {
    "No places are left: {taken} of {capacity} are taken.",
    "Between {minimum} and {maximum}.",
    "This must be a whole number between {minimum} and {maximum}.",
}
"""Messages whose numbers stand beside no noun."""


def test_a_noun_beside_a_number_has_plural_forms() -> None:
    assert NUMBERED == NO_PLURAL


@pytest.mark.parametrize(
    ("value", "en", "ru"),
    [
        (EventStatus.PENDING_REVIEW, "pending review", "на проверке"),
        (MembershipState.PENDING, "pending", "заявка"),
        (ModerationState.PENDING, "pending", "ждёт решения"),
        (7, "7", "7"),
        (2026, "2026", "2026"),
        (1_000_000, "1,000,000", "1\xa0000\xa0000"),
        (Decimal("1500.5"), "1,500.50", "1\xa0500,50"),
        (date(2026, 12, 20), "20 December 2026", "20 декабря 2026"),
        (["ru", "en"], "ru and en", "ru и en"),
        (None, "–", "–"),
    ],
)
def test_a_raw_value_is_said_in_words(value: Any, en: str, ru: str) -> None:
    assert (Reader("en").word(value), Reader("ru").word(value)) == (en, ru)


@pytest.mark.parametrize(
    ("reader", "zone", "text"),
    [
        (Reader("en", "Europe/Moscow"), "Europe/Moscow", "1 January 2027, 00:00"),
        (Reader("en", "Europe/Istanbul"), "Europe/Moscow", "1 January 2027, 00:00"),
        (Reader("en", "Europe/Berlin"), "Europe/Moscow", "1 January 2027, 00:00 (Moscow, UTC+3)"),
        (Reader("ru", "Europe/Berlin"), "Europe/Moscow", "1 января 2027, 00:00 (Москва, UTC+3)"),
        (Reader("en"), "Europe/Moscow", "1 January 2027, 00:00 (Moscow, UTC+3)"),
        (Reader("en", "America/New_York"), None, "31 December 2026, 16:00"),
        (Reader("en", "UTC"), "America/St_Johns", "31 December 2026, 17:30 (St. John’s, UTC−3:30)"),
        (Reader("en"), None, "31 December 2026, 21:00 (UTC)"),
        (Reader("en", "localtime"), None, "31 December 2026, 21:00"),
    ],
)
def test_a_time_is_told_in_the_zone_of_its_event_or_reader(reader: Reader, zone: str | None, text: str) -> None:
    assert reader.say("{opens_at}", {"opens_at": NEW_YEAR, "time_zone": zone}) == text


def test_a_zone_is_named_once() -> None:
    params = {"starts_at": NEW_YEAR, "ends_at": NEW_YEAR, "time_zone": "Europe/Moscow"}

    text = Reader("en").say("From {starts_at} to {ends_at}.", params)

    assert text == "From 1 January 2027, 00:00 to 1 January 2027, 00:00 (Moscow, UTC+3)."


@pytest.mark.parametrize(
    ("header", "locale"),
    [
        ("ru", "ru"),
        ("ru-RU,ru;q=0.9,en;q=0.8", "ru"),
        ("de, en;q=0.5", "en"),
        ("de", None),
        ("", None),
        ("x;q=y", None),
        ("RU", "ru"),
        ("EN-us;Q=0.2, RU-ru ; q=0.7", "ru"),
        ("ru;q=0, en", "en"),
        ("ru;q=0.1,en;q=0.9", "en"),
        ("ru; q=nan, en; q=0.1", "en"),
    ],
)
def test_accept_language_is_understood(header: str, locale: str | None) -> None:
    assert negotiate(header) == locale
