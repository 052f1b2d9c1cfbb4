"""Every list with a text finds things by their own words, and the best finds come first."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest
from sqlalchemy import text

from models import ClubInterest, ClubWords, EventInterest, EventWords
from resolvers.core.invariants import find_violations
from tests.factories import (
    in_days,
    make_category,
    make_club,
    make_event,
    make_interest,
    make_service,
    make_service_type,
    make_user,
    make_venue,
)

EVERYWHERE = """
query ($text: String) {
  events(filter: { text: $text }, first: 100) { nodes { title } }
  clubs(filter: { text: $text }, first: 100) { nodes { name } }
  venues(filter: { text: $text }, first: 100) { nodes { name } }
  interests(filter: { text: $text }, first: 100) { nodes { name } }
  serviceTypes(filter: { text: $text }, first: 100) { nodes { name } }
}
"""
EVENTS = """
query ($text: String, $sort: EventSort, $first: Int, $after: String, $last: Int, $before: String) {
  events(filter: { text: $text }, sort: $sort, first: $first, after: $after, last: $last, before: $before) {
    totalCount nodes { title } pageInfo { startCursor endCursor hasNextPage }
  }
}
"""
NAMES = [
    "AC/DC", "Rock/Pop", "Python 3.12", "19.30", "Node.js", "1-я Советская 12-14", "<Rock>", "½", "C++", "C#", ".NET",
    "Йога в парке", "И\u0306ога дома", "Что? Где? Когда?", "IT", "День помощи", "Running", "🎸", "Café", "Straße",
]  # fmt: skip


def titles(answer, name="title", of="events"):
    assert answer.errors == []
    return [node[name] for node in answer.data[of]["nodes"]]


async def a_place(save, **values):
    ada, category, venue = make_user(), make_category(**values), make_venue()
    await save(ada, category, venue)
    return ada, category, venue


async def test_everything_is_found_by_its_name(client, save):
    ada, category, venue = await a_place(save)
    await save(
        *(make_event(ada, category, venue, title=name) for name in NAMES),
        *(make_club(name=name) for name in NAMES),
        *(make_venue(name=name) for name in NAMES),
        *(make_interest(name_ru=name, name_en=name) for name in NAMES),
        *(make_service_type(name_ru=name, name_en=name) for name in NAMES),
    )

    for name in NAMES:
        answer = await client().run(EVERYWHERE, text=name)

        found = {of: titles(answer, "title" if of == "events" else "name", of) for of in answer.data}
        assert [of for of, names in found.items() if name not in names] == []


async def tagged(save):
    """An event with every kind of tag, and another one without them, each at a place of its own."""
    ada, category, place = await a_place(save)
    tags = SimpleNamespace(
        category=make_category(name_ru="Лекции", name_en="Lectures"),
        interest=make_interest(name_ru="Шахматы", name_en="Chess"),
        service_type=make_service_type(name_ru="Стрижка", name_en="Haircut"),
        venue=make_venue(name="Hall", address="Цветной бульвар, 7"),
    )
    await save(*vars(tags).values())
    event = make_event(ada, tags.category, tags.venue, title="Spring", description="Чаепитие")
    await save(event, make_event(ada, category, place, title="Other"))
    tags.service = make_service(event, tags.service_type)
    await save(EventInterest(event_id=event.id, interest_id=tags.interest.id), tags.service)
    return event, tags


@pytest.mark.parametrize(
    "words",
    ["spring", "лекция", "LECTURE", "шахмат", "chess", "стрижки", "haircuts", "цветном", "Hall, 7", "чаепития",
     "chess in the hall"],
)  # fmt: skip
async def test_an_event_is_found_by_title_tags_place_and_description(client, save, words):
    await tagged(save)

    assert titles(await client().run(EVENTS, text=words)) == ["Spring"]


CHANGES = [
    ("UPDATE events SET title = 'Autumn' WHERE title = 'Spring'", "spring", "autumn"),
    ("UPDATE events SET description = 'Кофе' WHERE title = 'Spring'", "чаепитие", "кофе"),
    ("UPDATE events SET venue_id = (SELECT venue_id FROM events WHERE title = 'Other')", "hall", None),
    ("UPDATE events SET category_id = (SELECT category_id FROM events WHERE title = 'Other')", "lectures", None),
    ("UPDATE venues SET name = 'Tower' WHERE name = 'Hall'", "hall", "tower"),
    ("UPDATE venues SET address = NULL", "цветной", None),
    ("UPDATE event_categories SET name_ru = 'Доклады' WHERE name_en = 'Lectures'", "лекции", "доклад"),
    ("UPDATE interests SET name_en = 'Checkers'", "chess", "checkers"),
    ("UPDATE service_types SET name_en = 'Shave'", "haircut", "shave"),
    ("DELETE FROM event_interests", "chess", None),
    ("DELETE FROM services", "haircut", None),
    ("UPDATE services SET cancelled_at = now()", "haircut", None),
    (
        "UPDATE events SET starts_at = starts_at - interval '1 hour'",
        None,
        "spring",
    ),
    ("UPDATE events SET status = 'ARCHIVED'", "spring", None),
]


@pytest.mark.parametrize(("change", "former", "new"), CHANGES)
async def test_words_follow_what_they_come_from(client, save, ports, change, former, new):
    await tagged(save)

    async with ports.database.writing() as uow:
        await uow.session.execute(text(change))

    async with ports.database.reading() as session:
        assert await find_violations(session) == []
    assert former is None or "Spring" not in titles(await client().run(EVENTS, text=former))
    assert new is None or len(titles(await client().run(EVENTS, text=new))) == 1


async def test_words_go_with_their_event_and_club(save, ports, count):
    _, tags = await tagged(save)
    club = make_club()
    await save(club)
    await save(ClubInterest(club_id=club.id, interest_id=tags.interest.id))

    async with ports.database.writing() as uow:
        await uow.session.execute(text("DELETE FROM events"))
        await uow.session.execute(text("DELETE FROM clubs"))

    assert (await count(EventWords), await count(ClubWords)) == (0, 0)


async def test_two_who_tag_an_event_at_once_both_count(client, save, ports):
    event, _ = await tagged(save)
    go, tea = make_interest(name_en="Go"), make_interest(name_en="Tea")
    await save(go, tea)
    first_wrote, both_wrote = asyncio.Event(), asyncio.Event()

    async def first():
        async with ports.database.writing() as uow:
            uow.session.add(EventInterest(event_id=event.id, interest_id=go.id))
            await uow.session.flush()
            first_wrote.set()
            await both_wrote.wait()

    async def second():
        await first_wrote.wait()
        async with ports.database.writing() as uow:
            asyncio.get_running_loop().call_later(0.05, both_wrote.set)
            uow.session.add(EventInterest(event_id=event.id, interest_id=tea.id))
            await uow.session.flush()

    await asyncio.gather(first(), second())

    assert titles(await client().run(EVENTS, text="go tea")) == ["Spring"]


async def ranked(save):
    """Events that have the word jazz in different places, the best ones last."""
    ada, category, venue = await a_place(save)
    jazz, club = make_interest(name_ru="Джаз", name_en="Jazz"), make_venue(name="Jazz club")
    await save(jazz, club)
    named = [make_event(ada, category, venue, title=f"Jazz {at}", starts_at=in_days(20 - at)) for at in range(2)]
    tagged = [make_event(ada, category, venue, title=f"Tagged {at}", starts_at=in_days(10 - at)) for at in range(2)]
    there = make_event(ada, category, club, title="There", starts_at=in_days(5))
    told = make_event(ada, category, venue, title="Told", description="All that jazz", starts_at=in_days(1))
    await save(*named, *tagged, there, told)
    await save(*(EventInterest(event_id=event.id, interest_id=jazz.id) for event in tagged))
    return ada, category, venue


BEST_FIRST = ["Jazz 1", "Jazz 0", "Tagged 1", "Tagged 0", "There", "Told"]


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        (None, BEST_FIRST),
        ("RELEVANCE", BEST_FIRST),
        ("STARTS_AT_ASC", ["Told", "There", "Tagged 1", "Tagged 0", "Jazz 1", "Jazz 0"]),
        ("STARTS_AT_DESC", ["Jazz 0", "Jazz 1", "Tagged 0", "Tagged 1", "There", "Told"]),
    ],
)
async def test_the_best_finds_come_first_unless_told_otherwise(client, save, sort, expected):
    await ranked(save)

    answer = await client().run(EVENTS, text="jazz", sort=sort)

    assert titles(answer) == expected
    assert answer.data["events"]["totalCount"] == 6


async def test_without_a_text_the_soonest_is_the_most_relevant(client, save):
    await ranked(save)

    assert titles(await client().run(EVENTS, sort="RELEVANCE"))[0] == "Told"


@pytest.mark.parametrize("sort", [None, "STARTS_AT_ASC", "STARTS_AT_DESC", "CREATED_AT_DESC"])
async def test_finds_are_read_page_by_page_either_way(client, save, sort):
    await ranked(save)
    whole = titles(await client().run(EVENTS, text="jazz", sort=sort))
    forward, backward, after, before = [], [], None, None

    for _ in range(3):
        page = await client().run(EVENTS, text="jazz", sort=sort, first=2, after=after)
        forward += titles(page)
        after = page.data["events"]["pageInfo"]["endCursor"]
        page = await client().run(EVENTS, text="jazz", sort=sort, last=2, before=before)
        backward = titles(page) + backward
        before = page.data["events"]["pageInfo"]["startCursor"]

    assert forward == backward == whole


async def test_a_cursor_survives_what_comes_in_between(client, save):
    ada, category, venue = await ranked(save)
    page = await client().run(EVENTS, text="jazz", first=3)
    cursor = page.data["events"]["pageInfo"]["endCursor"]
    await save(make_event(ada, category, venue, title="Jazz first", starts_at=in_days(0.5)))

    rest = await client().run(EVENTS, text="jazz", after=cursor)

    assert titles(rest) == BEST_FIRST[3:]


async def test_a_cursor_of_another_order_is_refused(client, save):
    await ranked(save)
    page = await client().run(EVENTS, first=1)

    answer = await client().run(EVENTS, text="jazz", after=page.data["events"]["pageInfo"]["endCursor"])

    assert answer.error_codes == ["BAD_USER_INPUT"]


async def test_finds_take_one_statement(client, save):
    await ranked(save)

    answer = await client().run('{ events(filter: { text: "jazz" }) { nodes { title startsAt } } }')

    assert len(answer.statements) == 1


async def test_another_text_needs_no_other_statement(client, save, monkeypatch):
    await ranked(save)
    document = "query ($text: String) { events(filter: { text: $text }) { totalCount nodes { title } } }"
    await client().run(document, text="jazz")
    monkeypatch.setattr("engine.listings.compile_for", None)

    jazz, told = await client().run(document, text="jazz"), await client().run(document, text="told")

    assert (titles(jazz), titles(told)) == (BEST_FIRST, ["Told"])
    assert told.data["events"]["totalCount"] == 1


async def test_clubs_and_venues_of_that_name_come_first(client, save):
    jazz = make_interest(name_ru="Джаз", name_en="Jazz")
    clubs = [make_club(name="A", description="All that jazz"), make_club(name="B"), make_club(name="Jazz")]
    await save(jazz, *clubs, make_venue(name="Jazz", created_at=in_days(-9)), make_venue(name="C", address="Jazz lane"))
    await save(ClubInterest(club_id=clubs[1].id, interest_id=jazz.id))

    answer = await client().run(EVERYWHERE, text="jazz")

    assert titles(answer, "name", "clubs") == ["Jazz", "B", "A"]
    assert titles(answer, "name", "venues") == ["Jazz", "C"]


@pytest.mark.parametrize("of", ["events", "clubs", "venues", "interests", "serviceTypes"])
async def test_no_list_looks_for_a_text_without_end(client, ports, of):
    document = f"query ($text: String) {{ {of}(filter: {{ text: $text }}) {{ totalCount }} }}"

    short = await client().run(document, text="x" * 200)
    long = await client().run(document, text="x" * 201)

    assert (short.error_codes, long.error_codes) == ([], ["BAD_USER_INPUT"])


async def test_a_text_without_words_narrows_nothing(client, save):
    await ranked(save)

    found = {text: titles(await client().run(EVENTS, text=text)) for text in ("", " ", "\u200b", "&", "?!", "—", "_")}

    assert set(map(len, found.values())) == {len(titles(await client().run(EVENTS)))}
    assert titles(await client().run(EVENTS, text="🎸")) == titles(await client().run(EVENTS, text="& 🎸")) == []
