from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

import strawberry
from graphql import GraphQLError

from errors import UserError
from resolvers.core.money import Price, check_amount, check_currency, check_digits
from schema.core.input_checks import checked


def parse_decimal(value: object) -> Decimal:
    """Read a decimal that a client has written, as text or as a number of JSON. Raises `GraphQLError`.

    Python's own reader takes digits of every script, underscores and spaces; a price that only looks like one does not
    deserve trust. `-0` loses its sign.
    """
    text = str(value)
    if isinstance(value, bool) or not text.isascii() or "_" in text or text != text.strip():
        raise GraphQLError("A decimal is written with ASCII digits and a point, such as 1500.00.")
    try:
        return abs(found) if (found := Decimal(text)) == 0 else found
    except InvalidOperation:
        raise GraphQLError("A decimal is written with ASCII digits and a point, such as 1500.00.") from None


DECIMAL = strawberry.scalar(
    name="Decimal",
    description="A decimal number as text, such as 1500.00. It is also read from a number.",
    serialize=str,
    parse_value=parse_decimal,
)


@strawberry.type(description="An amount of money.")
class Money:
    amount: Decimal = strawberry.field(description="Decimal text with two places, such as 1500.00.")
    currency: str = strawberry.field(description="Code of ISO 4217, such as RUB.")


def two_places(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal("0.01"))


@strawberry.input(description="An amount of money.")
class MoneyInput:
    amount: Decimal = strawberry.field(
        description="Decimal text, not negative, with as many places as the currency has, two at most.",
        metadata=checked(check_amount),
    )
    currency: str = strawberry.field(
        default="RUB", description="Code of ISO 4217 that is in use.", metadata=checked(check_currency)
    )

    @staticmethod
    def check_together(problems: list[UserError], given: Mapping[str, Any], *path: str) -> None:
        if {"amount", "currency"} <= given.keys():
            check_digits(problems, Price(amount=given["amount"], currency=given["currency"]), *path)

    def price(self) -> Price:
        return Price(amount=self.amount, currency=self.currency)
