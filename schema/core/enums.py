"""Enums of the schema, each of whose values is described."""

from __future__ import annotations

from enum import Enum

import strawberry


def enum(cls: type[Enum], description: str, *, name: str | None = None, **values: str) -> None:
    """Declare an enum of the schema, with a description for each of its members by name."""
    strawberry.enum(cls, name=name, description=description)
    for value in cls.__strawberry_definition__.values:  # type: ignore[attr-defined]  # Strawberry has just set it
        value.description = values.get(value.name)
