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
    description='An exact decimal number. Sent as text, such as "1500.00"; accepted as text or number.',
    serialize=str,
    parse_value=parse_decimal,
)


@strawberry.type(description="An amount of money in a currency.")
class Money:
    amount: Decimal = strawberry.field(description="The amount with two decimal places, such as 1500.00.")
    currency: str = strawberry.field(description="The currency as an ISO 4217 code, such as RUB.")


def two_places(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal("0.01"))


@strawberry.input(description="An amount of money in a currency.")
class MoneyInput:
    amount: Decimal = strawberry.field(
        description="The amount: not negative, with no more decimal places than the currency has and at most two.",
        metadata=checked(check_amount),
    )
    currency: str = strawberry.field(
        default="RUB",
        description="The currency as an ISO 4217 code in current use, such as RUB.",
        metadata=checked(check_currency),
    )

    @staticmethod
    def check_together(problems: list[UserError], given: Mapping[str, Any], *path: str) -> None:
        if {"amount", "currency"} <= given.keys():
            check_digits(problems, Price(amount=given["amount"], currency=given["currency"]), *path)

    def price(self) -> Price:
        return Price(amount=self.amount, currency=self.currency)
