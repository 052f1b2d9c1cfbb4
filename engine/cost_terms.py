"""Costs as sums that stay open where the variables decide: worked out once, filled in for each request.

Everything is read leniently. A value of the wrong type is for the executor to refuse; here it only must not make an
operation cheap.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from graphql import FieldNode, VariableNode, value_from_ast_untyped

from dataloaders.core.keyset_pages import DEFAULT_SIZE, MAXIMUM_SIZE
from schema.core.prices import Price

Variables = Mapping[str, Any]
Rows = int | Callable[[Variables], int]


@dataclass(frozen=True)
class Cost:
    """A number, and what must be added to it once the variables are known. `pieces` is how large it is to keep."""

    fixed: int = 0
    open: tuple[Product | Maximum | ArgumentCost, ...] = ()

    def of(self, variables: Variables) -> int:
        return self.fixed + sum(part.of(variables) for part in self.open)

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.fixed + other.fixed, self.open + other.open)

    @property
    def pieces(self) -> int:
        return 1 + sum(part.pieces for part in self.open)


@dataclass(frozen=True)
class Product:
    """So many rows of the same cost, where one of the two depends on the variables."""

    rows: Rows
    each: Cost

    def of(self, variables: Variables) -> int:
        return (self.rows if isinstance(self.rows, int) else self.rows(variables)) * self.each.of(variables)

    @property
    def pieces(self) -> int:
        return 1 + self.each.pieces


@dataclass(frozen=True)
class Maximum:
    """One of several, which only the data knows."""

    among: tuple[Cost, ...]

    def of(self, variables: Variables) -> int:
        return max(one.of(variables) for one in self.among)

    @property
    def pieces(self) -> int:
        return 1 + sum(one.pieces for one in self.among)


@dataclass(frozen=True)
class ArgumentCost:
    """What an argument costs: by `price`, or of an input object by the prices of the fields that are given."""

    argument: Any
    price: Price
    prices: Mapping[str, Price]
    pieces = 1

    def of(self, variables: Variables) -> int:
        given = read(self.argument, variables)
        if not self.prices:
            return 0 if given is None else self.price(given)
        if not isinstance(given, dict):
            return 0
        return sum(price(given[name]) for name, price in self.prices.items() if given.get(name) is not None)


def times(rows: Rows, each: Cost) -> Cost:
    if isinstance(rows, int) and not each.open:
        return Cost(rows * each.fixed)
    return Cost(0, (Product(rows, each),))


def largest(among: Sequence[Cost]) -> Cost:
    if not any(one.open for one in among):
        return Cost(max((one.fixed for one in among), default=0))
    return Cost(0, (Maximum(tuple(among)),))


def settled(part: Any, *nodes: Any) -> Cost:
    """Return the cost of a part, at once where no variable stands in its arguments."""
    return Cost(0, (part,)) if any(has_variable(node) for node in nodes) else Cost(part.of({}))


def page_size(first: Any, last: Any) -> int:
    """Rows of a page. What is no size, or too large, is refused later; here it only must not be cheap."""
    sizes = [int(size) for size in (first, last) if isinstance(size, int | float) and size == size // 1]
    return max(0, min(max(sizes), MAXIMUM_SIZE)) if sizes else DEFAULT_SIZE


def argument(node: FieldNode, name: str) -> Any:
    return next((one.value for one in node.arguments or () if one.name.value == name), None)


def has_variable(node: Any) -> bool:
    if isinstance(node, VariableNode):
        return True
    inner = [*getattr(node, "values", ()), *(item.value for item in getattr(node, "fields", ()))]
    return any(has_variable(one) for one in inner)


def read(node: Any, variables: Variables) -> Any:
    """Return the value of an argument; null where there is none."""
    if node is None:
        return None
    if isinstance(node, VariableNode):
        return variables.get(node.name.value)
    return value_from_ast_untyped(node, dict(variables))


def rows_of_page(node: FieldNode, at_most: int) -> Rows:
    first, last = argument(node, "first"), argument(node, "last")
    if has_variable(first) or has_variable(last):
        return lambda variables: min(page_size(read(first, variables), read(last, variables)), at_most)
    return min(page_size(read(first, {}), read(last, {})), at_most)


def rows_of_list(node: FieldNode) -> Rows:
    """Rows of a root list that is no connection: one for each item of its only argument."""
    given = node.arguments[0].value if node.arguments else None

    def count(variables: Variables) -> int:
        found = read(given, variables)
        return len(found) if isinstance(found, list) else 1

    if given is None:
        return MAXIMUM_SIZE
    return count if has_variable(given) else count({})
