"""Building result objects: a function per selection, written as Python source once and run for every answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from graphql import GraphQLEnumType, GraphQLError, is_leaf_type, is_non_null_type
from sqlalchemy import BigInteger, inspect
from sqlalchemy import Enum as EnumColumn

from engine.sources import Attribute, GlobalId
from schema import ids

if TYPE_CHECKING:
    from engine.plan import Field, Selection

Build = Callable[..., list[Any]]
PLAIN = {("String", str), ("ID", str), ("Boolean", bool), ("Int", int), ("Float", float)}
BY_METHOD = {
    ("DateTime", datetime): "{}.isoformat()",
    ("Date", date): "{}.isoformat()",
    ("Decimal", Decimal): "str({})",
}


def int32(value: int) -> int:
    """GraphQL's Int has 32 bits (October 2021, section 3.5.1); columns may hold more."""
    if not -(2**31) <= value < 2**31:
        raise GraphQLError(f"Int cannot represent non 32-bit signed integer value: {value}")
    return value


def inline_expression(field: Field, entity: Any) -> str | None:
    """The source that turns a column into its result, with `{}` for the column; null where it takes more care.

    That is so where the column may hold a null that the type forbids, or a value that its scalar may refuse.
    """
    if entity is None:
        return None
    if isinstance(field.source, GlobalId):
        return "write_id({})"
    if not isinstance(field.source, Attribute):
        return None
    column = inspect(entity).column_attrs.get(field.source.name)
    type_ = field.definition.type
    is_required = is_non_null_type(type_)
    named: Any = getattr(type_, "of_type", type_) if is_required else type_
    if column is None or not is_leaf_type(named) or (is_required and column.columns[0].nullable):
        return None
    stored = column.columns[0].type
    if isinstance(stored, EnumColumn):
        written = "enum_" + named.name + "[{}]" if isinstance(named, GraphQLEnumType) else None
    elif (named.name, stored.python_type) in PLAIN:
        written = "int32({})" if isinstance(stored, BigInteger) else "{}"
    else:
        written = BY_METHOD.get((named.name, stored.python_type))
    if written is None or written == "{}" or not column.columns[0].nullable:
        return written
    return "(None if (t := {}) is None else " + written.format("t") + ")"


def enum_names(type_: GraphQLEnumType) -> dict[Any, str]:
    """GraphQL names by the member and by the text that PostgreSQL keeps for it, which is the member's name."""
    members: Any = type_.wrapped_cls  # type: ignore[attr-defined]  # Strawberry's enum type
    found: dict[Any, str] = {}
    for name, value in type_.values.items():
        member = members(value.value)
        found[member] = found[member.name] = name
    return found


class Builders:
    """Builders of one selection, by the layout of the rows."""

    def __init__(self) -> None:
        self._made: dict[Any, Build] = {}

    def get(self, selection: Selection, layout: Sequence[str] | None) -> Build:
        build = self._made.get(layout)
        if build is None:
            build = self._made[layout] = _build(selection, layout)
        return build


def _build(selection: Selection, layout: Sequence[str] | None) -> Build:
    """`build(rows, *columns)`: a dict for each row; the columns are the completed values of the batched fields."""
    names: dict[str, Any] = {"int32": int32, "write_id": ids.encoder(selection.type.name)}
    batched = {field.key: f"b{number}" for number, field in enumerate(selection.batched)}
    parts = []
    for field in selection.fields:
        expression = selection.inline.get(field.key)
        if expression is None:
            parts.append(f"{field.key!r}: {batched[field.key]}")
            continue
        assert isinstance(field.source, Attribute | GlobalId)
        name = field.source.name
        # The parent's key stands first in a fetched row.
        read = f"r.{name}" if layout is None else f"r[{layout.index(name) + 1}]"
        parts.append(f"{field.key!r}: {expression.format(read)}")
        named: Any = getattr(field.definition.type, "of_type", field.definition.type)
        if isinstance(named, GraphQLEnumType):
            names[f"enum_{named.name}"] = enum_names(named)
    columns = list(batched.values())
    sources = ", ".join(["rows", *(f"c_{name}" for name in columns)])
    loop = f"for r in {sources}" if not columns else f"for r, {', '.join(columns)} in zip({sources})"
    source = f"def build({sources}):\n    return [{{{', '.join(parts)}}} {loop}]"
    # Our own text: names of GraphQL and attributes of models.
    exec(compile(source, f"<selection of {selection.type.name}>", "exec"), names)
    made: Build = names["build"]
    return made
