"""Prices: what an amount may be, and with which currencies it goes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from errors import ErrorCode, UserError, _, _n
from models import Event
from resolvers.core.currencies import DIGITS, MOST_DIGITS

HIGHEST_PRICE = Decimal("99999999.99")


class InvalidPrice(UserError):
    code = ErrorCode.INVALID
    message = _("A price is between 0 and {maximum_amount}, with two decimals at most.")


class TooManyDigits(UserError):
    code = ErrorCode.INVALID
    message = _n(
        "In this currency a price has at most {maximum} decimal place.",
        "In this currency a price has at most {maximum} decimal places.",
        by="maximum",
    )


class NotWhole(UserError):
    code = ErrorCode.INVALID
    message = _("In this currency a price is a whole number.")


class InvalidCurrency(UserError):
    code = ErrorCode.INVALID
    message = _("A currency is given by its current ISO 4217 code, such as RUB.")


@dataclass(frozen=True, kw_only=True)
class Price:
    amount: Decimal
    currency: str

    @classmethod
    def of(cls, event: Event) -> Price:
        return cls(amount=event.price_amount, currency=event.price_currency)

    @classmethod
    def read(cls, kept: Mapping[str, str]) -> Price:
        """Read what `kept` has written."""
        return cls(amount=Decimal(kept["amount"]), currency=kept["currency"])

    def kept(self) -> dict[str, str]:
        """As it is kept in JSON."""
        return {"amount": str(self.amount), "currency": self.currency}


def check_amount(problems: list[UserError], amount: Decimal, *path: str) -> bool:
    """Whether it is an amount that is kept exactly."""
    if amount.is_finite() and 0 <= amount <= HIGHEST_PRICE and amount == round(amount, MOST_DIGITS):
        return True
    problems.append(InvalidPrice(path=path, maximum_amount=HIGHEST_PRICE))
    return False


def check_currency(problems: list[UserError], currency: str, *path: str) -> bool:
    if currency in DIGITS:
        return True
    problems.append(InvalidCurrency(path=path))
    return False


def check_digits(problems: list[UserError], price: Price, *path: str) -> None:
    """Check that the currency has the digits of the amount, both of which are valid by themselves."""
    digits = DIGITS[price.currency]
    if price.amount != round(price.amount, digits):
        kind = TooManyDigits if digits else NotWhole
        problems.append(kind(path=(*path, "amount"), maximum=digits))


def check_price(problems: list[UserError], price: Price, *path: str) -> None:
    is_amount = check_amount(problems, price.amount, *path, "amount")
    if check_currency(problems, price.currency, *path, "currency") and is_amount:
        check_digits(problems, price, *path)
