"""Lists of events find their rows by an index, whatever they are narrowed by."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from uuid import UUID

import pytest
from sqlalchemy import insert, text

from auth.viewer import GUEST, Viewer
from database.rows import Values
from dataloaders.core.compiled import compile_for
from dataloaders.core.keyset_pages import PageArgs
from models import (
    Admission,
    Event,
    EventHost,
    EventInterest,
    EventRole,
    EventStatus,
    EventTiming,
    EventVisibility,
    Interest,
    Registration,
    Role,
    User,
    Venue,
    uuid7,
)
from resolvers.events import venues
from resolvers.events.search import ORDERS, EventFilter, EventSort, listing
from tests.factories import in_days, make_category, make_interest, make_user, make_venue
from tests.plans import rows_of_page

ROWS = 4000
PUT_AWAY_AFTER = 20
"""Events: two days."""


@dataclass
class World:
    interest: Interest
    person: User
    """Took part in a few."""
    host: User
    """Runs every other event."""
    staff: User
    venue_ids: list[UUID]


@pytest.fixture
async def world(save, ports):
    """Many events around now, the past ones put away; few of them have the interest."""
    async with ports.database.engine.begin() as connection:
        # Rows that other tests deleted stay in the indexes, and more in one than in another: which is the cheaper
        # index would depend on the tests before.
        await connection.execute(text("TRUNCATE events, event_interests, venues, clubs, registrations CASCADE"))
    ada, category, rare = make_user(), make_category(), make_interest()
    host, staff = make_user(), make_user(role=Role.ADMIN)
    places = [make_venue(name=f"Place{at} Street{at}") for at in range(200)]
    await save(ada, host, staff, category, rare, *places)
    rows = [
        {
            "id": uuid7(),
            "title": f"Event number{at}",
            "status": EventStatus.ARCHIVED if at < ROWS / 2 - PUT_AWAY_AFTER else EventStatus.PUBLISHED,
            "visibility": EventVisibility.PUBLIC,
            "category_id": category.id,
            "venue_id": places[at % 200].id,
            "created_by_id": ada.id,
            "time_zone": places[0].time_zone,
            "starts_at": in_days((at - ROWS / 2) / 10),
            "ends_at": in_days((at - ROWS / 2) / 10),
            "published_at": in_days(-900),
            "archived_at": in_days(0) if at < ROWS / 2 - PUT_AWAY_AFTER else None,
        }
        for at in range(ROWS)
    ]
    async with ports.database.writing() as uow:
        await uow.session.execute(insert(Event), rows)
        taken = [
            {"event_id": row["id"], "user_id": ada.id, "recorded_by_id": ada.id, "admission": Admission.CONFIRMED}
            for row in rows[::300]
        ]
        chosen = [{"event_id": row["id"], "interest_id": rare.id} for row in rows[::400]]
        await uow.session.execute(insert(EventInterest), chosen)
        hosts = [{"event_id": row["id"], "user_id": host.id, "role": EventRole.ORGANIZER} for row in rows[::2]]
        await uow.session.execute(insert(EventHost), hosts)
        uow.session.add_all(Registration(**part) for part in taken)
    async with ports.database.reading() as session:
        # What is not in the index yet is read as a whole, and makes the index look dear.
        await session.execute(text("SELECT gin_clean_pending_list('ix_event_words_words')"))
        await session.execute(
            text("ANALYZE events, event_words, event_interests, event_hosts, venues, clubs, registrations")
        )
    return World(rare, ada, host, staff, [place.id for place in places])


def compiled(viewer, wanted, sort=None):
    """The statement of a first page, as it is run."""

    def build(anyone):
        found = listing(anyone, wanted, sort)
        page = found.page(PageArgs(), is_open=True).statement
        return page.with_only_columns(Event.id, maintain_column_froms=True)

    return compile_for(build, viewer, [], Values)


async def plan_of(ports, viewer, wanted, sort=None):
    page = compiled(viewer, wanted, sort)
    rows = await ports.database.fetch(f"EXPLAIN {page.sql}", page.arguments(viewer, {}), Values, plans_anew=True)
    return "\n".join(row[0] for row in rows)


async def test_lists_of_events_are_found_by_an_index(ports, world):
    """One test: the world takes a second and a half to make, the plans nearly nothing."""
    assert await pages_read_another_way(ports, world) == {}
    assert await archives_looked_for_among_all(ports, world) == {}
    assert await pages_that_read_much(ports, world) == {}


async def pages_read_another_way(ports, world):
    upcoming, past = [EventTiming.UPCOMING], [EventTiming.PAST]
    lists = {
        "nothing": (EventFilter(), "ix_events_open"),
        "upcoming": (EventFilter(timings=upcoming), "ix_events_open"),
        "day": (EventFilter(date_from=in_days(3).date(), date_to=in_days(4).date()), "ix_events_open"),
        "interest": (EventFilter(interest_ids=[world.interest.id]), "pk_events"),
        "text": (EventFilter(text="number777"), "ix_event_words_words"),
        "frequent text": (EventFilter(text="event"), "pk_events"),
        "frequent text, newest first": (EventFilter(text="event"), "pk_events"),
        "next": (EventFilter(timings=[*upcoming, EventTiming.ONGOING]), "ix_events_open"),
        "past": (EventFilter(timings=past), "ix_events_open"),
        "one venue": (EventFilter(venue_ids=world.venue_ids[:1]), "ix_events_venue_id_starts_at"),
        "some venues": (EventFilter(venue_ids=world.venue_ids[:3]), "ix_events_venue_id_starts_at"),
        "one status": (EventFilter(statuses=[EventStatus.PUBLISHED]), "ix_events_open"),
        "some statuses": (EventFilter(statuses=[EventStatus.PUBLISHED, EventStatus.CANCELLED]), "ix_events_open"),
        "ids": (EventFilter(ids=[uuid7(), uuid7()]), "pk_events"),
    }
    wrong = {}
    for name, (wanted, index) in lists.items():
        sort = EventSort.CREATED_AT_DESC if name.endswith("newest first") else None
        plan = await plan_of(ports, GUEST, wanted, sort)
        if index not in plan or "Seq Scan on events" in plan:
            wrong[name] = plan
    return wrong


async def pages_that_read_much(ports, world):
    """Of 4,000 events, half of them archived, 20 over and not archived."""
    past = [EventTiming.PAST]
    lists = {
        "past": (GUEST, EventFilter(timings=past)),
        "past, not archived": (Viewer(world.staff), EventFilter(timings=past, archived=False)),
        "begun": (Viewer(world.person), EventFilter(timings=[*past, EventTiming.ONGOING])),
        "archived": (Viewer(world.staff), EventFilter(archived=True)),
        "own": (Viewer(world.host), EventFilter(hosted_by_viewer=True)),
        "own archived": (Viewer(world.host), EventFilter(hosted_by_viewer=True, archived=True)),
    }
    read = {}
    for (name, (viewer, wanted)), sort in product(lists.items(), ORDERS):
        if "archived" in name and wanted.archived and sort is EventSort.CREATED_AT_DESC:
            # Only this order has no index of what is archived.
            continue
        read[name, sort] = await rows_of_page(ports.database, viewer, listing(viewer, wanted, sort), Event)
    read["venues"] = await rows_of_page(ports.database, GUEST, venues.listing(), Venue)
    return {name: rows for name, rows in read.items() if rows > 200}


@pytest.mark.parametrize("asked", ["dance", "танцы 12"])
def test_plans_are_made_for_the_words_that_are_asked_for(asked):
    """A word may look like the name of a setting, which would be written into the statement."""

    page = compiled(GUEST, EventFilter(text=asked))

    assert page.plans_anew
    assert asked in page.parameters
    assert asked not in page.sql


async def archives_looked_for_among_all(ports, world):
    """The archive of one person is found by the person."""
    lists = {
        "archive": EventFilter(archived=True),
        "archived by status": EventFilter(statuses=[EventStatus.ARCHIVED]),
        "past": EventFilter(timings=[EventTiming.PAST]),
        "archived past": EventFilter(timings=[EventTiming.PAST], archived=True),
    }
    wrong = {}
    for name, wanted in lists.items():
        plan = await plan_of(ports, Viewer(world.person), wanted)
        if "pk_events" not in plan or "Seq Scan on events" in plan or "ix_events_starts_at_id" in plan:
            wrong[name] = plan
    return wrong


def test_a_set_of_one_compares_as_a_value_and_longer_ones_share_a_statement():
    """Only a value keeps the order of an index behind it, and statements are prepared for each text."""
    ids = [uuid7() for _ in range(9)]

    texts = [compiled(GUEST, EventFilter(venue_ids=chosen)).sql for chosen in (ids[:1], ids[:1] * 2, ids[:2], ids)]

    assert texts[0] == texts[1]
    assert "events.venue_id = $3::UUID" in texts[0]
    assert texts[2] == texts[3]
    assert "events.venue_id = ANY ($3::UUID[])" in texts[2]
