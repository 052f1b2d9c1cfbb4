"""Pages of events that have the words of a text, and of their services, without reading all that have them.

A frequent word stands in many of the next events, which soon fill a page. A rare one is found by an index, and
what has it is soon put into order. So a page looks at the words of the next `NEAR` events first. What these do not fill
comes from the index. ADR 25 says more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnElement,
    FromClause,
    Select,
    Subquery,
    and_,
    case,
    exists,
    func,
    literal,
    or_,
    select,
    true,
    tuple_,
    union_all,
)

from dataloaders.core.keyset_pages import Cut, Key, Listing, Order, PageArgs, at_most, beyond
from models import Event, EventWords, Service
from resolvers.core.word_search import RANKS, WordQuery

NEAR, FURTHER = 1_000, 6_000
"""Events that are walked through. Of a word that one in fifty has there are enough for a page among the near ones."""
FREQUENT = 5
"""Rows of one rank among the near events that make it likely that a further walk finds enough of them."""


@dataclass(frozen=True)
class WordListing(Listing):
    """A list of what has the words of a text.

    `statement` and `order` are all of it, as any other list. `shown` are the rows without the condition on words, and
    `within` is what must be so of the row in `event_words`. Their order is the rank if `by_rank`, then `time`, a column
    of `EventWords`, then the event, then the keys in `then`.
    """

    query: WordQuery
    entity: type[Event | Service]
    shown: Select[Any]
    within: Sequence[ColumnElement[bool]]
    time: str
    by_rank: bool
    descending: bool = False
    then: Order = ()

    @property
    def counted(self) -> Select[Any]:
        words = select(EventWords.event_id).where(self.query.matches(EventWords.words), *self.within).subquery("having")
        shown = _one_by_one(self.shown, words, [self.entity.id])
        return select(shown.c.id).select_from(words.join(shown, true()))

    def page(self, args: PageArgs, *, is_open: bool = False) -> Cut:
        return _WordPage(self, args, self.bound(args, is_open=is_open)).cut()


def _kept(statement: Any, name: str) -> CTE:
    """Return a statement as a table that is made once."""
    made: CTE = statement.cte(name)
    return made.prefix_with("MATERIALIZED", dialect="postgresql")


def _one_by_one(shown: Select[Any], candidates: Subquery, columns: Sequence[Any]) -> FromClause:
    """Return what is shown of each candidate. Left alone, PostgreSQL may take few of them for many, and go through all
    events.
    """
    wanted = shown.where(Event.id == candidates.c.event_id).correlate(candidates).offset(0)
    return wanted.with_only_columns(*columns, maintain_column_froms=True).lateral("shown")


@dataclass(frozen=True)
class _Walk:
    """What a walk has found: `rows` that the viewer is shown, and one row of what is known by them."""

    rows: CTE
    known: CTE

    @property
    def is_all(self) -> Any:
        """Whether there are no other rows, of the ranks that were looked for."""
        return select(self.known.c.is_all).scalar_subquery()

    @property
    def full_rank(self) -> Any:
        """The first rank of which the walks have enough for the page, or one beyond all ranks."""
        return select(self.known.c.full_rank).scalar_subquery()

    @property
    def is_promising(self) -> Any:
        """Whether a further walk is likely to find enough of a rank that precedes it."""
        return select(self.known.c.is_promising).scalar_subquery()

    @property
    def certain(self) -> Select[Any]:
        """The rows that no others come between."""
        return select(self.rows).where(or_(self.is_all, self.rows.c.rank == self.full_rank))


@dataclass(frozen=True)
class _WordPage:
    """One page of such a list. `bound` are the values of its cursor, in the list's order."""

    of: WordListing
    args: PageArgs
    bound: Sequence[ColumnElement[Any]] | None

    def cut(self) -> Cut:
        asked = self.of.query.asked()
        near = self._walk("near", NEAR, asked)
        further = self._walk("further", FURTHER, asked, after=near)
        far = self._rows_of(self._far(asked, near, further))
        found = self._cut(far, list(far.selected_columns)).subquery("found")
        rows = union_all(near.certain, further.certain, select(found)).subquery("rows")
        page = self._cut(select(rows), list(rows.c)).subquery("page")
        values = list(page.c)[2:]
        statement = select(self.of.entity).join(page, page.c.id == self.of.entity.id).order_by(*self._directed(values))
        keys = [Key(column, key.descending) for column, key in zip(values, self.of.order, strict=True)]
        return Cut(statement, tuple(keys))

    @property
    def _ranks(self) -> Sequence[int]:
        """The ranks in the order of the page."""
        ranks = RANKS if self.of.by_rank else RANKS[:1]
        return ranks[::-1] if self.args.is_backward else ranks

    def _precedes(self, rank: Any, other: Any) -> ColumnElement[bool]:
        condition: ColumnElement[bool] = rank > other if self.args.is_backward else rank < other
        return condition

    # Where the rows come from: `event_id`, `starts_at`, `created_at` and `rank`

    def _walk(self, name: str, most: int, asked: CTE, after: _Walk | None = None) -> _Walk:
        """Walk through the next events. A further walk is for the ranks that precede what the one before has filled,
        and takes place if that has found some rows of one of them.
        """
        is_wanted = [] if after is None else [after.is_promising]
        parts = [self._next(asked, most, 1, [*self._follows(EventWords), *is_wanted])]
        if self.of.by_rank and self.bound is not None:
            # Of the cursor's rank those that follow it, of later ranks the first.
            parts.append(self._next(asked, most, 2, is_wanted))
        walked = _kept(union_all(*parts) if len(parts) > 1 else parts[0], f"{name}_walked")
        rows = _kept(self._rows_of(self._having(walked, name, after)), f"{name}_rows")
        counts = {rank: func.count().filter(rows.c.rank == rank) for rank in self._ranks}
        none = literal(RANKS[0] - 1 if self.args.is_backward else RANKS[-1] + 1, BigInteger)
        full = case(
            *((count > self.args.size, literal(rank, BigInteger)) for rank, count in counts.items()),
            else_=none if after is None else after.full_rank,
        )
        ended = ~exists(select(walked.c.part).group_by(walked.c.part).having(func.count() >= most))
        is_all = ended if after is None else and_(or_(after.is_all, after.is_promising), ended)
        some = [and_(count >= FREQUENT, self._precedes(rank, full)) for rank, count in counts.items()]
        known = select(
            is_all.label("is_all"), full.label("full_rank"), and_(~is_all, or_(*some)).label("is_promising")
        ).select_from(rows)
        return _Walk(rows, _kept(known, f"{name}_known"))

    def _next(self, asked: CTE, most: int, part: int, conditions: Sequence[ColumnElement[bool]]) -> Select[Any]:
        wanted = select(EventWords).where(*self.of.within, *conditions)
        time, event_id = getattr(EventWords, self.of.time), EventWords.event_id
        ordered = wanted.order_by(*((one.desc() if self._goes_down else one.asc()) for one in (time, event_id)))
        events = ordered.limit(at_most(most)).subquery(f"next_{part}")
        rank = self.of.query.rank_of(asked, events.c.words, of_all=not self.of.by_rank).label("rank")
        number = literal(part, BigInteger).label("part")
        return select(events.c.event_id, events.c.starts_at, events.c.created_at, rank, number)

    def _having(self, walked: CTE, name: str, after: _Walk | None) -> Subquery:
        """Return the events of a walk that have the words."""
        wanted: ColumnElement[bool] = walked.c.rank.is_not(None)
        if self.of.by_rank and self.bound is not None:
            wanted = or_(
                and_(walked.c.part == 1, walked.c.rank == self.bound[0]),
                and_(walked.c.part == 2, self._precedes(self.bound[0], walked.c.rank)),
            )
        conditions = [wanted] if after is None else [wanted, self._precedes(walked.c.rank, after.full_rank)]
        columns = (walked.c.event_id, walked.c.starts_at, walked.c.created_at, walked.c.rank)
        return select(*columns).where(*conditions).subquery(f"{name}_events")

    def _far(self, asked: CTE, near: _Walk, further: _Walk) -> Subquery:
        """Return the events of those ranks of which the walks have too few, by the index."""
        is_wanted, full_rank = and_(~near.is_all, ~further.is_all), further.full_rank
        if not self.of.by_rank:
            parts = [(RANKS[-1], self._precedes(literal(RANKS[0], BigInteger), full_rank))]
        elif self.args.is_backward:
            parts = [(RANKS[-1], full_rank < RANKS[-1])]
        else:
            # The index has a rank together with the better ones. The last one that is wanted precedes the full one.
            parts = [(rank, full_rank == rank + 1) for rank in RANKS]
        rank = self.of.query.rank_of(asked, EventWords.words, of_all=not self.of.by_rank).label("rank")
        columns = (EventWords.event_id, EventWords.starts_at, EventWords.created_at, rank)
        events = union_all(
            *(
                select(*columns).where(
                    self.of.query.is_within(asked, EventWords.words, last), *self.of.within, is_wanted, is_last
                )
                for last, is_last in parts
            )
        ).subquery("far_events")
        ordered = [one.desc() if self._goes_down else one.asc() for one in (events.c[self.of.time], events.c.event_id)]
        if self.of.by_rank:
            ordered.insert(0, events.c.rank.desc() if self.args.is_backward else events.c.rank.asc())
        conditions = [self._precedes(events.c.rank, full_rank), *self._follows(events.c, events.c.rank)]
        # In order already, so that the events themselves are looked at one by one until there are enough.
        return select(events).where(*conditions).order_by(*ordered).subquery("far_events_in_order")

    def _follows(self, of: Any, rank: Any = None) -> list[ColumnElement[bool]]:
        """Whether an event may follow the cursor, among those of the same rank unless its own is given."""
        if self.bound is None:
            return []
        place = tuple_(*(self.bound[1:3] if self.of.by_rank else self.bound[:2]))
        own = tuple_(getattr(of, self.of.time), of.event_id)
        follows = own <= place if self._goes_down else own >= place
        if rank is None or not self.of.by_rank:
            return [follows]
        return [or_(self._precedes(self.bound[0], rank), and_(rank == self.bound[0], follows))]

    # The rows themselves: `id`, `rank`, and the values of the order

    def _rows_of(self, candidates: Subquery) -> Select[Any]:
        then = [key.column.label(f"then_{number}") for number, key in enumerate(self.of.then)]
        shown = _one_by_one(self.of.shown, candidates, [self.of.entity.id.label("id"), *then])
        order = [
            *([Key(candidates.c.rank)] if self.of.by_rank else []),
            Key(candidates.c[self.of.time], self.of.descending),
            Key(candidates.c.event_id, self.of.descending),
            *(Key(shown.c[label.name], key.descending) for label, key in zip(then, self.of.then, strict=True)),
        ]
        values = [key.column.label(f"place_{number}") for number, key in enumerate(order)]
        rows = select(shown.c.id, candidates.c.rank.label("rank"), *values).select_from(candidates.join(shown, true()))
        if self.bound is not None:
            rows = rows.where(beyond(tuple(order), self.bound, backward=self.args.is_backward))
        return rows

    def _cut(self, rows: Select[Any], columns: Sequence[Any]) -> Select[Any]:
        return rows.order_by(*self._directed(columns[2:])).limit(at_most(self.args.size + 1))

    def _directed(self, values: Sequence[Any]) -> list[Any]:
        return [
            value.desc() if key.descending != self.args.is_backward else value.asc()
            for value, key in zip(values, self.of.order, strict=True)
        ]

    @property
    def _goes_down(self) -> bool:
        return self.of.descending != self.args.is_backward
