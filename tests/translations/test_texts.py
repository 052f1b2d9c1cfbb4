"""What becomes of the texts that people write, before they are stored."""

from __future__ import annotations

import time
from unicodedata import is_normalized

import pytest
from hypothesis import given
from hypothesis import strategies as st

from errors import ErrorCode, UserError, check_text, tidy

FAMILY = "\U0001f469\u200d\U0001f469\u200d\U0001f467"
FLAG = "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"


@pytest.mark.parametrize(
    "text",
    ["", " \t\r\n", "\u00a0\u2003\u3000", "\u200b\u200d", "\ufeff", "\u2800", "\u3164", "\u202e", "\x01", "\ufe0f",
     "\U000e0041"],
)  # fmt: skip
def test_a_text_that_nobody_sees_is_none(text):
    problems: list[UserError] = []

    checked = check_text(problems, text, "title", maximum=10, required=True)

    assert checked is None
    assert [problem.code for problem in problems] == [ErrorCode.REQUIRED]


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        (" Jazz ", "Jazz"),
        ("Jazz\u202eevil", "Jazzevil"),
        ("\x1b[31mred\x7f", "[31mred"),
        ("one\r\n\ttwo  three\u2028\u00a0four\x85five", "one two three four five"),
        ("Йо\u00adга\ufeff \u200b в\u200d парке", "Йога в парке"),
        ("и\u0306о\u0433\u0430 е\u0308\u0436", "йога ёж"),
        ("и\u200b\u0306", "й"),
        (FLAG, FLAG),
        ("Jazz\U000e0041\U000e0042", "Jazz"),
        ("1\ufe0f\u20e3 ❤\ufe0f", "1\ufe0f\u20e3 ❤\ufe0f"),
        (FAMILY, FAMILY),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("\u2067שלום\u2069", "\u2067שלום\u2069"),
        ("<b>'\"&", "<b>'\"&"),
    ],
)
def test_a_text_is_kept_without_what_only_misleads(written, kept):
    problems: list[UserError] = []

    assert check_text(problems, written, "title", maximum=30) == kept
    assert problems == []


def test_a_text_of_several_lines_keeps_them():
    text = " one\r\n\ttwo  three\n\n\u2028fo\u200bur\x85 "

    assert tidy(text, multiline=True) == "one\r\n\ttwo  three\n\n\u2028four"


@given(st.text(), st.booleans())
def test_a_stored_text_is_stored_as_it_is(text, multiline):
    stored = tidy(text, multiline=multiline)

    assert tidy(stored, multiline=multiline) == stored
    assert is_normalized("NFC", stored)
    assert multiline or " ".join(stored.split()) == stored


@pytest.mark.parametrize("between", ["", "\u200b", "\u034f"])
def test_no_letter_has_more_marks_than_any_language_needs(between):
    pile = "о" + between.join("\u0301\u0323" * 10_000)

    began = time.perf_counter()
    stored = tidy(pile + "к", multiline=True)

    assert len(stored) == 32
    assert time.perf_counter() - began < 1


def test_a_text_far_too_long_is_refused_before_it_is_normalised(monkeypatch):
    monkeypatch.setattr("errors.tidy", None)
    problems: list[UserError] = []

    check_text(problems, "x" * 41, "title", maximum=10)

    assert [problem.code for problem in problems] == [ErrorCode.TOO_LONG]
