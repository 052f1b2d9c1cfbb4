from __future__ import annotations

from decimal import Decimal

import strawberry

from resolvers.event_input import Price


@strawberry.type(description="An amount of money.")
class Money:
    amount: Decimal = strawberry.field(description="Decimal text with two places, such as 1500.00.")
    currency: str = strawberry.field(description="Code of ISO 4217, such as RUB.")


def two_places(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal("0.01"))


@strawberry.input(description="An amount of money.")
class MoneyInput:
    amount: Decimal = strawberry.field(description="Decimal text, not negative, with two places at most.")
    currency: str = strawberry.field(default="RUB", description="Code of ISO 4217.")

    def price(self) -> Price:
        return Price(amount=self.amount, currency=self.currency)
