"""What is written is found by its own words, by the beginnings of its words, and by other forms of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any
from unicodedata import normalize

import asyncpg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from errors import tidy
from tests.word_forms import FORMS

NAMES = [
    "AC/DC", "Rock/Pop", "Python 3.12", "19.30", "12.05.2026", "Node.js", "1-я Советская 12-14", "ул. Ленина, д. 5/7",
    "<Rock>", "½", "2½ часа", "C++ для новичков", "C#", "F# и .NET", "ASP.NET", "example.net", "R&B", "Rock'n'Roll",
    "O'Reilly", "д'Артаньян", "Йога в парке", "Что? Где? Когда?", "The Who", "IT", "IT-встреча", "Ёлка", "за́мок",
    "Café", "Straße", "ΣΑΣ", "naïve", "Мастер-класс", "№ 5", "5%", "a.m.", "#хэштег", "@ник", "🎉", "Концерт 🎸", "❤️",
    "«Чайка»", "i18n", "MP3-плеер", "H₂O", "м²", "10:00–12:30", "Ресторан “У Пети”", "日本語", "שלום", "مرحبا", "नमस्ते",
    "한국어", "x" * 200, "й" * 150, "a-b-c-d-e-f-g-h-i-j-k-l-m-n-o-p", "не", "в", "Я", "1", "R", "ЙОГА", "İstanbul",
    "ﬁnale", "ＹＯＧＡ",
]  # fmt: skip
LETTERS = "абвгдеёжзийклмнопрстуфхцчшщъыьэюяabcdefghijklmnopqrstuvwxyzàéñößЙЁİı"
word = st.one_of(
    st.sampled_from(NAMES),
    st.text(LETTERS, min_size=1, max_size=12),
    st.text("0123456789.:,-/+#", min_size=1, max_size=8),
    st.text(LETTERS + "0123456789.:,-/+#&'’()_·…", min_size=1, max_size=12),
    st.text(min_size=1, max_size=6),
)
name = st.lists(word, min_size=1, max_size=5).map(" ".join).map(tidy)


@pytest.fixture(scope="module")
def ask(environment) -> Iterator[Callable[..., Any]]:
    """`ask(sql, …)` answers the rows of a statement, in tests that are no coroutines."""
    with asyncio.Runner() as runner:
        connection = runner.run(asyncpg.connect(environment["DATABASE_URL"]))
        yield lambda sql, *arguments: runner.run(connection.fetch(sql, *arguments))
        runner.run(connection.close())


def unfound(ask: Callable[..., Any], pairs: set[tuple[str, str]]) -> list[tuple[str, str]]:
    """Of texts and queries, those where the query does not find the text."""
    missed = """
        SELECT written, asked FROM unnest($1::text[], $2::text[]) AS pairs (written, asked)
        WHERE NOT coalesce(search_document(written, NULL, NULL, NULL) @@ (search_queries(asked))[1], false)
    """
    written, asked = zip(*sorted(pairs), strict=True)
    return [tuple(row) for row in ask(missed, written, asked)]


def has_word(text: str) -> bool:
    return any(character.isalnum() for character in text)


def letters(text: str) -> int:
    return sum(character.isalnum() for character in text)


@settings(max_examples=60, deadline=None)
@given(st.lists(name.filter(has_word), min_size=1, max_size=8))
def test_a_name_is_found_by_itself_its_words_and_their_beginnings(ask, names):
    pairs = set()
    for one in names:
        words = [word for word in one.split() if has_word(word)]
        begun = [word[:end] for word in words for end in range(3, len(word)) if letters(word[:end]) >= 3]
        pairs |= {(one, asked) for asked in [one[:200], *words, *begun] if has_word(asked)}

    assert unfound(ask, pairs) == []


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_found_however_it_is_spelt(ask, name):
    spellings = {name, name.upper(), name.lower(), f"  {name}! ", *(normalize(form, name) for form in ("NFC", "NFD"))}

    assert unfound(ask, {(name, asked) for asked in spellings}) == []


def test_every_form_of_a_word_finds_the_others(ask):
    lines = [line.replace(":", "").split() for line in FORMS.strip().split("\n")]
    pairs = {(written, asked) for line in lines for written in line for asked in line}

    assert len(lines) > 150
    assert unfound(ask, pairs) == []


@pytest.mark.parametrize(
    ("written", "asked"),
    [
        ("Йога в парке", "парк йоги"),
        ("Йога, Парк Горького", "йога в парке"),
        ("Running club", "Runni"),
        ("День помощи", "ДНЮ ПОМОЩИ"),
        ("Прогулка с собакой", "прогулок с собаками"),
        ("Jazz and blues", "the blues"),
        ("Node.js", "node"),
        ("C++", "c"),
        ("Python 3.12.1", "python 3.12"),
        ("за́мок", "замок"),
        ("Café Zoë", "cafe zoe"),
        ("Кафе «Ёж»", "еж"),
        ("Straße", "STRASSE"),
        ("İstanbul", "istanbul"),
        ("х" * 3000, "х" * 120),
        ("Дом №7", "дом № 7"),
        ("Школа № 5", "школа №5"),
        ("Школа № 5", "№5"),
        ("Школа №5", "5"),
    ],
)
def test_a_text_is_found(ask, written, asked):
    assert unfound(ask, {(written, asked)}) == []


@pytest.mark.parametrize(
    ("written", "asked"),
    [
        ("Йога в парке", "йога дома"),
        ("Йога в парке", ""),
        ("Йога в парке", "!?"),
        ("Йога в парке", "д"),
        ("Йога в парке", "ога"),
        ("Английский", "лийск"),
        ("C", "C++"),
        ("Чтение", "чтиво"),
        ("Italian evening", "IT встреча"),
        ("Встреча", "IT встреча"),
        ("network", ".net"),
        ("Анна Каренина", "я"),
        ("AC", "AC/DC"),
    ],
)
def test_a_text_is_not_found_by_other_words(ask, written, asked):
    assert unfound(ask, {(written, asked)}) == [(written, asked)]


@pytest.mark.parametrize(
    ("place", "rank"),
    [(("jazz evening", "", "", ""), 1), (("jazz", "evening", "", ""), 2), (("", "jazz evening", "", ""), 2),
     (("jazz", "", "evening", ""), 3), (("jazz", "evening", "", "jazz evening"), 2), (("jazz", "", "", "evening"), 4),
     (("", "", "", "jazz evening"), 4)],
)  # fmt: skip
def test_title_goes_before_tags_before_place_before_description(ask, place, rank):
    found = """
        SELECT document @@ asked[1], document @@ asked[2], document @@ asked[3], document @@ asked[4]
        FROM search_queries('the jazz evenings') AS asked, search_document($1, $2, $3, $4) AS document
    """

    [row] = ask(found, *place)

    assert list(row) == [True, *(at >= rank for at in (1, 2, 3))]


def test_no_text_asks_for_more_than_a_dozen_words(ask):
    [row] = ask("SELECT numnode((search_queries($1))[1])", " ".join("абвгджзклмнпрст" * 6))

    assert row[0] == 12 + 11


def test_a_text_of_any_length_is_a_query(ask):
    texts = ["\ufdfa" * 200, "a\u0301" * 100, "é" * 200, "'\\:*&|!()<->" * 16, "\x01" * 200, "a" * 200, "ﷺ " * 100]

    assert len(ask("SELECT search_queries(asked) FROM unnest($1::text[]) AS asked", texts)) == len(texts)


def test_the_functions_find_each_other_whatever_the_search_path(ask):
    """As when a dump is loaded."""
    ask("SET search_path = ''")
    try:
        [row] = ask("SELECT public.search_document('Йога', '', '', ''), (public.search_queries('йога'))[1]")
    finally:
        ask("RESET search_path")

    assert tuple(row) == ("'йог':1A 'йога':1A", "'йога':* | 'йог'")
