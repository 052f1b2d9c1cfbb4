"""Building result objects: a function per selection, written as Python source once and run for every answer.

It writes whole trees: beside an object's columns what was fetched along with them (`engine.planner.fold`), facets, and
computed fields. It knows only the usual case, in which nothing fails; where something does, it raises, and the
selection is built once more with care, field by field (`engine.execute`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from graphql import GraphQLEnumType, GraphQLError, is_leaf_type, is_non_null_type
from sqlalchemy import BigInteger, inspect
from sqlalchemy import Enum as EnumColumn

from database.rows import folded_class, values_class
from dataloaders.core.declarations import Many
from engine.fetches import NO_KEY, Aggregated, Related
from engine.sources import Attribute, Computed, Facet, GlobalId, RestrictedAttribute, Typename
from schema.core import ids

if TYPE_CHECKING:
    from engine.plan import Field, OutputType, Selection

Build = Callable[..., list[Any]]
PLAIN = {("String", str), ("ID", str), ("Boolean", bool), ("Int", int), ("Float", float)}
BY_METHOD = {
    # The encoder writes these two as their scalars do.
    ("DateTime", datetime): "{}",
    ("Date", date): "{}",
    ("Decimal", Decimal): "str({})",
}


class Incomplete(Exception):
    """A value is null where its type has none."""


def int32(value: int) -> int:
    """GraphQL's Int has 32 bits (October 2021, section 3.5.1); columns may hold more."""
    if not -(2**31) <= value < 2**31:
        raise GraphQLError(f"Int cannot represent non 32-bit signed integer value: {value}")
    return value


def column_expression(field: Field) -> str | None:
    """Return the source that turns a column into its result, with `{}` for the column; null where it takes more care.

    That is so where the column may hold a null that the type forbids, or a value that its scalar may refuse.
    """
    if field.entity is None:
        return None
    if isinstance(field.source, GlobalId):
        return "write_id({})"
    if type(field.source) is not Attribute:
        return None
    column = inspect(field.entity).column_attrs.get(field.source.name)
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


@dataclass
class Row:
    """How the written source reads a row: its variable, and where in it columns are; null where they are attributes.

    `whole` is what has attributes; `is_needed` says that it was used.
    """

    variable: str
    positions: Mapping[str, int] | None
    whole: str
    is_needed: bool = False

    def column(self, name: str) -> str:
        if self.positions is None:
            return self.attribute(name)
        return f"{self.variable}[{self.positions[name]}]"

    def attribute(self, name: str) -> str:
        return f"{self.object}.{name}"

    @property
    def object(self) -> str:
        self.is_needed = True
        return self.whole


def fetched(variable: str, layout: Sequence[str] | None) -> Row:
    """Return a row of the level itself. The parent's key stands first in a fetched one."""
    positions = None if layout is None else {name: position + 1 for position, name in enumerate(layout)}
    return Row(variable, positions, variable)


@dataclass
class BuilderCode:
    """Python source for one builder, and the objects that it names."""

    names: dict[str, Any] = field(default_factory=lambda: {"int32": int32, "NO_KEY": NO_KEY})
    _count: int = 0

    def _variable(self) -> str:
        self._count += 1
        return f"v{self._count}"

    def _name(self, thing: Any) -> str:
        name = f"g{len(self.names)}"
        self.names[name] = thing
        return name

    def value(self, field: Field, row: Row) -> str | None:
        """Return an expression for a field of a row; null where it takes a batch of its own."""
        source, shape = field.source, field.shape
        found = self.column(field, row)
        if found is not None:
            return found
        if isinstance(source, Typename):
            return repr(field.parent.name)
        if isinstance(source, Facet):
            return None if shape.selection is None else self._object(shape.selection, row)
        if isinstance(source, Related | Aggregated):
            return None if field.folded_at is None else self._folded(field, source, row)
        if type(source) is Computed:
            info = ", info" if source.takes_info else ""
            return self._completed(shape, f"{self._name(source.function)}({row.object}{info})")
        if isinstance(source, RestrictedAttribute):
            hidden = "None" if shape.is_nullable else self._failing()
            gate, value = self._name(source.gate), self._completed(shape, row.attribute(source.name))
            return value and f"({value} if {gate}({row.object}, info) else {hidden})"
        if type(source) is Attribute:
            return self._completed(shape, row.attribute(source.name))
        return None

    def column(self, field: Field, row: Row) -> str | None:
        """Return an expression that needs no care at all."""
        written = column_expression(field)
        if written is None:
            return None
        assert isinstance(field.source, Attribute | GlobalId)
        if isinstance(field.source, GlobalId):
            written = written.replace("write_id", self._name(ids.encoder(field.parent.name)))
        named: Any = getattr(field.definition.type, "of_type", field.definition.type)
        if isinstance(named, GraphQLEnumType):
            self.names[f"enum_{named.name}"] = enum_names(named)
        return written.format(row.column(field.source.name))

    def _completed(self, shape: OutputType, value: str) -> str | None:
        """Return a leaf, or an object with attributes, as its type writes it."""
        if shape.serialize is not None:
            return self._leaf(shape, value)
        if shape.selection is None:
            return None
        variable = self._variable()
        written = self._object(shape.selection, Row(variable, None, variable))
        return written and self._unless_null(shape, written, f"({variable} := {value}) is None")

    def _leaf(self, shape: OutputType, value: str) -> str:
        variable, serialize = self._variable(), self._name(shape.serialize)
        plain = "" if shape.plain is None else f"{variable} if {variable}.__class__ is {shape.plain.__name__} else "
        assigned = f"({variable} := {value}) is None"
        return self._unless_null(shape, f"({plain}{serialize}({variable}))", assigned)

    def _unless_null(self, shape: OutputType, written: str, is_null: str) -> str:
        return f"({'None' if shape.is_nullable else self._failing()} if {is_null} else {written})"

    def _failing(self) -> str:
        self.names["incomplete"] = _incomplete
        return "incomplete()"

    def _object(self, selection: Selection, row: Row) -> str | None:
        written = {one.key: self.value(one, row) for one in selection.fields}
        if None in written.values():
            return None
        return "{" + ", ".join(f"{key!r}: {value}" for key, value in written.items()) + "}"

    def _folded(self, field: Field, source: Related | Aggregated, row: Row) -> str | None:
        start, shape = field.folded_at, field.shape
        assert start is not None
        if isinstance(source, Aggregated):
            return self._aggregate(source, shape, row.variable, start)
        assert field.names is not None
        make = self._name(folded_class(source.entity, field.names))
        own, whole = self._variable(), self._variable()
        if isinstance(source.declaration, Many):
            # A column of all rows at each place.
            if shape.of is None or shape.of.selection is None:
                return None
            inner = Row(own, {name: position + 1 for position, name in enumerate(field.names)}, own)
            written = self._object(shape.of.selection, inner)
            columns = ", ".join(f"{row.variable}[{start + number}]" for number in range(field.width))
            rows = f"zip(NO_KEY, {columns})"
            rows = f"map({make}, {rows})" if inner.is_needed else rows
            return written and f"([] if {row.variable}[{start}] is None else [{written} for {own} in {rows}])"
        if shape.selection is None:
            return None
        places = {name: start + 1 + position for position, name in enumerate(field.names)}
        inner = Row(row.variable, places, whole)
        written = self._object(shape.selection, inner)
        is_null = f"{row.variable}[{start}] is None"
        if inner.is_needed:
            end = start + 1 + len(field.names)
            is_null += f" or ({whole} := {make}({row.variable}[{start}:{end}])) is None"
        return written and self._unless_null(shape, written, is_null)

    def _aggregate(self, source: Aggregated, shape: OutputType, variable: str, start: int) -> str | None:
        assert source.foldable is not None and source.foldable.names is not None
        names, missing = source.foldable.names, self._name(source.declaration.default)
        if len(names) == 1:
            read = source.read
            value = f"{variable}[{start + 1}]" if read is None else f"{self._name(read)}({variable}[{start + 1}])"
        else:
            make = self._name(values_class(names))
            value = f"{make}({variable}[{start}:{start + 1 + len(names)}])"
        return self._completed(shape, f"({missing} if {variable}[{start}] is None else {value})")


def _incomplete() -> None:
    raise Incomplete


class Builders:
    """Builders of one selection, by the layout of the rows. Careful ones write columns only: all else is given."""

    def __init__(self) -> None:
        self._made: dict[Any, Build] = {}

    def get(self, selection: Selection, layout: Sequence[str] | None, *, is_careful: bool = False) -> Build:
        key = layout if not is_careful else (layout, is_careful)
        build = self._made.get(key)
        if build is None:
            build = self._made[key] = _build(selection, layout, is_careful)
        return build


def _build(selection: Selection, layout: Sequence[str] | None, is_careful: bool) -> Build:
    """`build(rows, info, *columns)`: a dict for each row; the columns are the completed values of what is batched."""
    source, row = BuilderCode(), fetched("r", layout)
    given = selection.careful if is_careful else selection.batched
    columns = {one.key: f"b{number}" for number, one in enumerate(given)}
    parts = [f"{one.key!r}: {columns.get(one.key) or source.value(one, row)}" for one in selection.fields]
    sources = ", ".join(["rows", *(f"c_{name}" for name in columns.values())])
    loop = f"for r in {sources}" if not columns else f"for r, {', '.join(columns.values())} in zip({sources})"
    arguments = ", ".join(["rows", "info", *(f"c_{name}" for name in columns.values())])
    text = f"def build({arguments}):\n    return [{{{', '.join(parts)}}} {loop}]"
    # Our own text: names of GraphQL and attributes of models.
    exec(compile(text, f"<selection of {selection.type.name}>", "exec"), source.names)
    made: Build = source.names["build"]
    return made


def can_be_written(field: Field) -> bool:
    """Whether a builder can write the field, so that it needs no batch."""
    return BuilderCode().value(field, Row("r", None, "r")) is not None


def needs_no_care(field: Field) -> bool:
    """Whether nothing can be wrong with the field's value."""
    written = column_expression(field)
    return written is not None and "int32" not in written
