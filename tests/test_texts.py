"""What becomes of the texts that people write, before they are stored."""

from __future__ import annotations

import pytest

from errors import ErrorCode, UserError, check_text

FAMILY = "\U0001f469\u200d\U0001f469\u200d\U0001f467"


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
        ("one\r\n\ttwo", "one\r\n\ttwo"),
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
