"""Lists of events find their rows by an index, whatever they are narrowed by (S0-64)."""

from __future__ import annotations

import pytest
from sqlalchemy import insert, text
from sqlalchemy.dialects import postgresql

from auth.viewer import GUEST
from dataloaders.compiled import compile_for
from dataloaders.pages import PageArgs, window
from models import Event, EventInterest, EventStatus, EventTiming, EventVisibility, uuid7
from models.rows import Values
from resolvers.event_search import EventFilter, EventSort, listing
from tests.factories import in_days, make_category, make_interest, make_user, make_venue

ROWS = 4000
PUT_AWAY_AFTER = 20
"""Events: two days."""


@pytest.fixture
async def interest(save, ports):
    """Many events around now, the past ones put away; few of them have the interest."""
    async with ports.database.engine.begin() as connection:
        # Rows that other tests deleted stay in the indexes, and more in one than in another: which is the cheaper
        # index would depend on the tests before.
        await connection.execute(text("TRUNCATE events, event_interests, venues, clubs CASCADE"))
    ada, category, rare = make_user(), make_category(), make_interest()
    venues = [make_venue(name=f"Place{at} Street{at}") for at in range(200)]
    await save(ada, category, rare, *venues)
    rows = [
        {
            "id": uuid7(),
            "title": f"Event number{at}",
            "status": EventStatus.ARCHIVED if at < ROWS / 2 - PUT_AWAY_AFTER else EventStatus.PUBLISHED,
            "visibility": EventVisibility.PUBLIC,
            "category_id": category.id,
            "venue_id": venues[at % 200].id,
            "created_by_id": ada.id,
            "time_zone": venues[0].time_zone,
            "starts_at": in_days((at - ROWS / 2) / 10),
            "ends_at": in_days((at - ROWS / 2) / 10),
            "published_at": in_days(-900),
            "archived_at": in_days(0) if at < ROWS / 2 - PUT_AWAY_AFTER else None,
        }
        for at in range(ROWS)
    ]
    async with ports.database.writing() as uow:
        await uow.session.execute(insert(Event), rows)
        chosen = [{"event_id": row["id"], "interest_id": rare.id} for row in rows[::400]]
        await uow.session.execute(insert(EventInterest), chosen)
    async with ports.database.reading() as session:
        # What is not in the index yet is read as a whole, and makes the index look dear.
        await session.execute(text("SELECT gin_clean_pending_list('ix_event_words_words')"))
        await session.execute(text("ANALYZE events, event_words, event_interests, venues, clubs"))
    return rare


@pytest.mark.parametrize(
    ("narrowed", "index"),
    [
        ("nothing", "ix_events_open"),
        ("upcoming", "ix_events_open"),
        ("day", "ix_events_open"),
        ("interest", "pk_events"),
        ("text", "ix_event_words_words"),
        ("frequent text", "pk_events"),
        ("frequent text, newest first", "pk_events"),
    ],
)
async def test_a_page_of_events_is_found_by_an_index(ports, interest, narrowed, index):
    wanted = {
        "nothing": EventFilter(),
        "upcoming": EventFilter(timing=EventTiming.UPCOMING),
        "day": EventFilter(date_from=in_days(3).date(), date_to=in_days(4).date()),
        "interest": EventFilter(interest_ids=[interest.id]),
        "text": EventFilter(text="number777"),
        "frequent text": EventFilter(text="event"),
        "frequent text, newest first": EventFilter(text="event"),
    }[narrowed]
    found = listing(GUEST, wanted, EventSort.CREATED_AT_DESC if narrowed.endswith("newest first") else None)
    page = window(found.statement, found.order, PageArgs())
    literal = page.compile(dialect=postgresql.dialect(), compile_kwargs={"literal_binds": True})

    async with ports.database.reading() as session:
        plan = "\n".join(await session.scalars(text(f"EXPLAIN {literal}".replace(":", r"\:"))))

    assert index in plan
    assert "Seq Scan on events" not in plan


@pytest.mark.parametrize("asked", ["dance", "танцы 12"])
def test_plans_are_made_for_the_words_that_are_asked_for(asked):
    """A word may look like the name of a setting, which would be written into the statement."""

    def build(viewer):
        return listing(viewer, EventFilter(text=asked)).statement.with_only_columns(
            Event.id, maintain_column_froms=True
        )

    compiled = compile_for(build, GUEST, (), Values)

    assert compiled.plans_anew
    assert asked in compiled.parameters
    assert asked not in compiled.sql
