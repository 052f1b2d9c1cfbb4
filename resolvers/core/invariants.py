"""Everything that must hold between tables, recounted from the rows themselves (`docs/domain.md`, "Capacity", rule 5).

Each invariant is one statement that yields what breaks it: the id of the subject and what was found. A statement is
its own snapshot, so the check is right while the server is writing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, CompoundSelect, Select, String, and_, func, literal, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from models import HOLDING


@dataclass(frozen=True)
class InvariantViolation:
    """One row that breaks an invariant."""

    invariant: str
    subject_id: UUID
    detail: str

    def __str__(self) -> str:
        return f"{self.invariant}: {self.subject_id} {self.detail}"


Statement = Select[UUID, str] | CompoundSelect[UUID, str]

INVARIANTS: dict[str, Statement] = {}
"""The invariants of all areas, by what they promise. Areas fill it: `resolvers/<area>/invariants.py`."""


def declare(invariants: Mapping[str, Statement]) -> None:
    """Add invariants of an area. Raises `ValueError` for a name that stands there already."""
    if known := INVARIANTS.keys() & invariants.keys():
        raise ValueError(f"declared twice: {sorted(known)}")
    INVARIANTS.update(invariants)


def counted(owner: Any, rows: Any, key: Any) -> Select[UUID, str]:
    """Owners whose `taken` differs from the number of distinct people who hold a place there."""
    people = func.count(rows.user_id.distinct())
    return (
        select(owner.id, found(taken=owner.taken, people=people, rows=func.count(rows.id)))
        .outerjoin(rows, and_(key == owner.id, rows.admission.in_(HOLDING)))
        .group_by(owner.id)
        .having(or_(owner.taken != people, owner.taken != func.count(rows.id)))
    )


def found(**values: Any) -> ColumnElement[str]:
    """`name=value` pairs, in words."""
    parts: list[Any] = []
    for name, value in values.items():
        parts += [literal(f"{name}="), func.coalesce(value.cast(String), "null"), literal(" ")]
    return func.concat(*parts[:-1])


def stream(owner: Any, owner_id: Any, last: Any, entries: Any, key: Any, *, starts_at_one: bool) -> Select[UUID, str]:
    """Owners whose stream does not end with the last number given out, or has a hole.

    A stream that is trimmed may begin later than with 1, or be empty.
    """
    newest, number = func.max(entries.sequence), func.count(entries.sequence)
    expected = last if starts_at_one else newest - func.min(entries.sequence) + 1
    broken = or_(func.coalesce(newest, 0 if starts_at_one else last) != last, number != func.coalesce(expected, 0))
    return (
        select(owner_id, found(last=last, newest=newest, rows=number))
        .select_from(owner)
        .outerjoin(entries, key == owner_id)
        .group_by(owner_id)
        .having(broken)
    )


def oversold(owner: Any) -> Select[UUID, str]:
    return select(owner.id, found(taken=owner.taken, capacity=owner.capacity)).where(owner.taken > owner.capacity)


def words(owner: Any, kept: Any, key: Any, *columns: str) -> Select[UUID, str]:
    """Events or clubs that are found by other words than theirs, as after an upgrade that brings other stems."""
    kind = owner.__tablename__.removesuffix("s")
    ids = func.array(select(owner.id).scalar_subquery())
    documents = getattr(func, f"{kind}_documents")(ids).table_valued(key.key, *columns, name="documents")
    differs = [getattr(kept, name).is_distinct_from(documents.c[name]) for name in columns]
    return (
        select(owner.id, literal("is found by other words than its own"))
        .join(documents, documents.c[key.key] == owner.id)
        .outerjoin(kept, key == owner.id)
        .where(or_(*differs))
    )


async def find_violations(session: AsyncSession, *, most: int = 100) -> Sequence[InvariantViolation]:
    """Return what breaks an invariant, at most `most` for each. An empty answer means that all of them hold."""
    violations = []
    for name, statement in INVARIANTS.items():
        found = (await session.execute(statement.limit(most))).all()
        violations += [InvariantViolation(name, subject_id, detail) for subject_id, detail in found]
    return violations
