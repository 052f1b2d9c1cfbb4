"""Domain events that a statement leaves in the outbox by itself, where it alone knows what has happened."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import (
    ARRAY,
    CTE,
    BigInteger,
    Select,
    String,
    Text,
    Uuid,
    bindparam,
    cast,
    func,
    insert,
    literal,
    null,
    select,
    union_all,
)
from sqlalchemy.dialects.postgresql import JSONB

from models import DomainEvent, OutboxDelivery, OutboxEvent, StreamEvent, utcnow, uuid7, uuid7_among

SINK = "sink"
RECORDING = ("batch", "sinks")
"""Parameters of statements that record, whose values `recording_values` gives."""


def consumers_of(kind: type[DomainEvent]) -> list[str]:
    """Return the consumers of a class of events, besides the outside sink: live streams, a job."""
    wanted = {"live": issubclass(kind, StreamEvent), "jobs": kind.has_job}
    return [consumer for consumer, owed in wanted.items() if owed]


@dataclass(frozen=True)
class RecordedEvents:
    """Events of one class, one for each row of `source`. `values` has a column for each field of the class.

    What `UnitOfWork.record(kind(…))` is in Python.
    """

    kind: type[DomainEvent]
    source: Any
    values: Mapping[str, Any]
    consumers: Any = None
    """In SQL, an array of those who are owed the event of a row, where that differs among rows."""


def recording(happened: Sequence[RecordedEvents]) -> list[CTE]:
    """Leave the events in the outbox, in this order, and those who are owed them. The CTEs of a writing statement."""
    listed = union_all(*(_listed(place, one) for place, one in enumerate(happened))).subquery("listed_events")
    place = func.row_number().over(order_by=listed.c.place)
    made = select(uuid7_among(bindparam("batch", type_=Uuid()), place).label("id"), *listed.c).cte("happened")
    columns = ["id", *LISTED, "occurred_at"]
    events = select(made.c.id, *(made.c[name] for name in LISTED), literal(utcnow()))
    written = insert(OutboxEvent.__table__).from_select(columns, events, include_defaults=False)  # type: ignore[arg-type]  # typed as FromClause, is a Table
    sinks = bindparam("sinks", type_=ARRAY(String()))
    owed = select(made.c.id, func.unnest(func.array_cat(made.c.consumers, sinks))).order_by(made.c.id)
    deliveries = insert(OutboxDelivery.__table__).from_select(["event_id", "consumer"], owed, include_defaults=False)  # type: ignore[arg-type]  # typed as FromClause, is a Table
    return [written.cte("recorded"), deliveries.cte("owed")]


LISTED = ("name", "subject_type", "subject_id", "metadata", "stream", "sequence")


def _listed(place: int, one: RecordedEvents) -> Select[Any]:
    kind, values = one.kind, one.values
    own = [item.name for item in fields(kind) if item.name not in {"subject_id", "stream", "sequence"}]
    missing = {item.name for item in fields(kind)} ^ values.keys()
    if missing:
        raise TypeError(f"{kind.__name__} has other fields: {', '.join(sorted(missing))}")
    metadata = [part for name in own for part in (literal(name), values[name])]
    return select(
        literal(place).label("place"),
        literal(kind.name).label("name"),
        literal(kind.subject_type).label("subject_type"),
        values["subject_id"].label("subject_id"),
        func.jsonb_build_object(*metadata, type_=JSONB).label("metadata"),
        values.get("stream", cast(null(), Text)).label("stream"),
        cast(values.get("sequence", null()), BigInteger).label("sequence"),
        owed_to(kind, one.consumers).label("consumers"),
    ).select_from(one.source)


def owed_to(kind: type[DomainEvent], consumers: Any = None) -> Any:
    """In SQL, who is owed events of a class."""
    return literal(consumers_of(kind), ARRAY(String())) if consumers is None else consumers


def stream_of(name: Callable[[Any], str], owner: Any) -> Any:
    """In SQL, the live stream that `name` gives an owner."""
    return func.concat(name(""), owner)


def recording_values(*, has_sink: bool) -> dict[str, Any]:
    return {"batch": uuid7(), "sinks": [SINK] if has_sink else []}
