"""Pages of what has the words of a text: however they are found they are the same, and they read no more of a longer
table.
"""

from __future__ import annotations

from itertools import chain, cycle, product

import pytest
from sqlalchemy import insert, text

from auth.viewer import GUEST, Viewer
from dataloaders.core.counting import Total
from dataloaders.core.keyset_pages import Listing, PageArgs, fetch_page
from models import ClubVisibility, Event, EventHost, EventRole, EventStatus, EventVisibility, Role, Service, uuid7
from resolvers.events import search, service_search, word_pages
from resolvers.events.search import EventFilter, EventSort
from resolvers.events.service_search import ServiceFilter, ServiceSort
from tests.factories import in_days, make_category, make_club, make_service_type, make_user, make_venue
from tests.plans import rows_of_page

TEXTS = ["jazz", "tea", "jazz tea", "dance", "heron", "castle", "dance castle", "quasar", "jazz heron"]
"""Usual in titles, usual in descriptions, both, usual as a category, rare, at one of three venues, both, nowhere."""


@pytest.fixture
async def stage(save, ports):
    async with ports.database.engine.begin() as connection:
        await connection.execute(text("TRUNCATE events, venues, clubs CASCADE"))
    ada, staff = make_user(), make_user(role=Role.ADMIN)
    categories = [make_category(name_en=name) for name in ("Dance", "Talks", "Walks")]
    venues = [make_venue(name=f"Hall {name}") for name in ("Castle", "Garden", "River")]
    club, kind = make_club(visibility=ClubVisibility.PRIVATE), make_service_type(name_en="Tasting")
    await save(ada, staff, club, kind, *categories, *venues)

    async def write(first: int, last: int) -> None:
        rows = [
            {
                "id": uuid7(),
                "title": f"{('Jazz', 'Rock', 'Choir', 'Tea')[number % 4]}{' heron' if number % 50 == 7 else ''}",
                "description": " and ".join(("tea", "jazz", "heron")[: number % 4]),
                "status": [EventStatus.PUBLISHED, EventStatus.DRAFT, EventStatus.ARCHIVED][
                    (number % 11) // 9 + number % 13 // 12
                ],
                "visibility": EventVisibility.UNLISTED if number % 9 == 1 else EventVisibility.PUBLIC,
                "category_id": categories[number // 4 % 3].id,
                "club_id": club.id if number % 10 == 3 else None,
                "venue_id": venues[number // 12 % 3].id,
                "created_by_id": ada.id,
                "time_zone": venues[0].time_zone,
                # Several begin at once.
                "starts_at": in_days(1 + number // 2),
                "ends_at": in_days(2 + number // 2),
                "published_at": in_days(-9),
                "price_amount": number % 5,
                "capacity": 20,
            }
            for number in range(first, last)
        ]
        services = [
            {
                "id": uuid7(), "event_id": row["id"], "service_type_id": kind.id,
                "starts_at": row["starts_at"], "ends_at": row["ends_at"], "capacity": 9,
            }
            for row in rows[::3] for _ in range(2)
        ]  # fmt: skip
        hosts = [{"event_id": row["id"], "user_id": ada.id, "role": EventRole.STAFF} for row in rows[:140:7]]
        async with ports.database.writing() as uow:
            await uow.session.execute(insert(Event), rows)
            await uow.session.execute(insert(Service), services)
            await uow.session.execute(insert(EventHost), hosts)
        async with ports.database.reading() as session:
            for name in ("words", "title", "tags", "place"):
                await session.execute(text(f"SELECT gin_clean_pending_list('ix_event_words_{name}')"))
            await session.execute(text("ANALYZE events, event_words, services, event_hosts"))

    return ada, staff, write


async def test_pages_by_words_are_those_of_the_whole_list(ports, stage, monkeypatch):
    """Each list with other bounds: such that all that can happen between walks and index does at some page."""
    ada, staff, write = stage
    await write(0, 72)
    lists = [
        *((search.listing, EventFilter(text=one), EventSort.RELEVANCE) for one in TEXTS),
        *((search.listing, EventFilter(text=one), sort) for sort, one in product(EventSort, ("jazz", "jazz tea"))),
        (search.listing, EventFilter(text="jazz", is_free=True), EventSort.RELEVANCE),
        (search.listing, EventFilter(text="tea", date_to=in_days(9).date()), EventSort.RELEVANCE),
        *((service_search.listing, ServiceFilter(text=one), ServiceSort.RELEVANCE) for one in TEXTS[:3]),
    ]
    settings = cycle([(6, 20, 2), (6, 1_000, 1), (1_000, 1_000, 5), (6, 12, 1)])
    viewers = cycle([GUEST, Viewer(ada), Viewer(staff)])
    lengths, wrong = [], []
    for (make, wanted, sort), viewer, bounds in zip(lists, viewers, settings, strict=False):
        for name, bound in zip(("NEAR", "FURTHER", "FREQUENT"), bounds, strict=True):
            monkeypatch.setattr(word_pages, name, bound)
        found = make(viewer, wanted, sort)
        assert isinstance(found, word_pages.WordListing)
        whole = await fetch_page(ports.database, Listing(found.statement, found.order), PageArgs(first=1_000))
        expected = [row.id for row in whole.rows]
        forward = await walk(ports, found, lambda cursor: PageArgs(first=10, after=cursor))
        backward = await walk(ports, found, lambda cursor: PageArgs(last=17, before=cursor))
        if list(chain(*forward)) != expected or list(chain(*reversed(backward))) != expected:
            wrong.append((wanted, sort, viewer.role, bounds))
        lengths.append(len(expected))
    assert wrong == []
    assert (min(lengths), max(lengths) > 25) == (0, True)


async def walk(ports, listing, args):
    """The ids of each page, one page after the other."""
    pages, cursor, is_more = [], None, True
    while is_more:
        page = await fetch_page(ports.database, listing, args(cursor))
        pages.append([row.id for row in page.rows])
        backward = args(None).is_backward
        is_more = page.has_previous if backward else page.has_next
        cursor = page.cursors[0 if backward else -1] if page.rows else None
    return pages


async def test_a_longer_table_is_read_no_more_for_a_page(ports, stage, monkeypatch):
    ada, _, write = stage
    monkeypatch.setattr(word_pages, "NEAR", 150)
    monkeypatch.setattr(word_pages, "FURTHER", 400)
    await write(0, 500)
    few = await rows_of_pages(ports, ada)
    await write(500, 2_000)

    many = await rows_of_pages(ports, ada)

    assert {name: (few[name], many[name]) for name in few if many[name] > 1.2 * few[name] + 40} == {}


async def rows_of_pages(ports, ada):
    """How many rows the plans of first pages read, by the list."""
    read = {}
    texts, sorts = ("jazz", "tea", "jazz tea", "dance", "quasar"), (EventSort.RELEVANCE, EventSort.CREATED_AT_DESC)
    for wanted, viewer, sort in product(texts, (GUEST, Viewer(ada)), sorts):
        found = search.listing(viewer, EventFilter(text=wanted), sort)
        read[wanted, viewer is GUEST, sort] = await rows_of_page(ports.database, viewer, found, Event)
    for wanted in ("jazz", "jazz tea", "quasar"):
        found = service_search.listing(GUEST, ServiceFilter(text=wanted))
        read[wanted, "services"] = await rows_of_page(ports.database, GUEST, found, Service)
    return read


@pytest.mark.parametrize("wanted", [{"hosted_by_viewer": True}, {"hosted_by_viewer": False}, {"archived": True}])
@pytest.mark.parametrize(("lists", "filter"), [(search, EventFilter), (service_search, ServiceFilter)])
async def test_a_guest_asks_for_what_only_others_have(ports, lists, filter, wanted):
    page = await fetch_page(ports.database, lists.listing(GUEST, filter(text="club", **wanted)), PageArgs(first=3))

    assert (list(page.rows), await page.total()) == ([], Total())
