"""How amounts of money are read."""

from __future__ import annotations

from decimal import Decimal

import pytest
from graphql import GraphQLError

from resolvers.core.currencies import DIGITS
from resolvers.core.money import Price, check_price
from schema.core.money import parse_decimal
from schema.core.user_errors import user_errors
from translations import Reader


@pytest.mark.parametrize(
    ("written", "read"),
    [("1500.00", "1500.00"), ("-0", "0"), ("-0.00", "0.00"), ("0", "0"), (5, "5"), (1.5, "1.5"), ("1e2", "1E+2")],
)
def test_a_decimal_is_read_as_it_is_written(written, read):
    assert str(parse_decimal(written)) == str(Decimal(read))


@pytest.mark.parametrize(
    "written", ["١٢", "１５", "1_000", " 5", "5 ", "5\n", "½", "", "1,5", "0x1", True, None, "−5", "1\u00a0000"]
)
def test_other_digits_and_spaces_are_refused(written):
    with pytest.raises(GraphQLError, match="ASCII"):
        parse_decimal(written)


def test_currencies_are_those_in_use():
    assert {"RUB", "EUR", "USD", "KZT", "BYN", "XCG", "ZWG"} <= DIGITS.keys()
    assert DIGITS.keys().isdisjoint({"DEM", "RUR", "SUR", "XAU", "XTS", "XXX", "HRK", "BGN", "ANG", "ZWL", "rub", ""})
    assert 140 < len(DIGITS) < 170
    assert (DIGITS["JPY"], DIGITS["RUB"], DIGITS["KWD"]) == (0, 2, 2)


@pytest.mark.parametrize(
    ("amount", "currency", "locale", "told"),
    [
        ("10.50", "JPY", "ru", "В этой валюте цена — целое число."),
        ("10.50", "JPY", "en", "In this currency a price is a whole number."),
        ("10", "JPY", "en", None),
        ("10.50", "RUB", "en", None),
    ],
)
def test_a_price_has_the_digits_of_its_currency(amount, currency, locale, told):
    problems = []

    check_price(problems, Price(amount=Decimal(amount), currency=currency), "price")

    assert [said.message for one in problems for said in user_errors(one, Reader(locale))] == ([told] if told else [])
