"""The tables of `docs/event-states.md` against what the mutations do; and from every state there is a way on."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

import models
from models import Event, EventStatus, ModerationItem, Role
from tests.api.events.event_worlds import ARCHIVE, CANCEL, DELETE, PUBLISH
from tests.factories import (
    in_days,
    make_category,
    make_club,
    make_event,
    make_host,
    make_membership,
    make_registration,
    make_user,
    make_venue,
    now,
)

PAGE = (Path(__file__).parents[3] / "docs" / "event-states.md").read_text()
UPDATE = """
mutation ($input: UpdateEventInput!) {
  updateEvent(input: $input) { event { status } revision { state } errors { code } }
}
"""
REACTIVATE = """
mutation ($input: ReactivateEventInput!) {
  reactivateEvent(input: $input) { event { status } revision { state } errors { code } }
}
"""
DECIDE = """
mutation ($input: DecideModerationItemInput!) {
  decideModerationItem(input: $input) { item { event { status } } errors { code } }
}
"""


def table(heading: str) -> dict[str, dict[str, str]]:
    """The table under a heading: row to column to cell."""
    section = re.split(r"^## ", PAGE, flags=re.MULTILINE)
    [text] = [one for one in section if one.startswith(heading)]
    lines = [[cell.strip() for cell in line.strip("|\n ").split("|")] for line in text.splitlines() if line[:1] == "|"]
    return {row[0]: dict(zip(lines[0][1:], row[1:], strict=True)) for row in lines[2:]}


TRUSTED = table("For those who are trusted")
OTHERS = TRUSTED | table("For others who run the event")
STRANGERS = table("Who acts")
DECISIONS = table("A moderator's decision")
CHANGE = "a new date for one "


@dataclass(frozen=True)
class State:
    status: EventStatus
    is_over: bool = False
    has_people: bool = False
    was_out: bool = True
    was_cancelled: bool = False
    by_staff: bool = False

    def event(self, author: Any, category: Any, venue: Any, **values: Any) -> Event:
        return make_event(
            author, category, venue,
            status=self.status,
            starts_at=in_days(-3 if self.is_over else 3),
            published_at=in_days(-10) if self.was_out else None,
            cancelled_at=now() if self.was_cancelled else None,
            archived_at=now() if self.status is EventStatus.ARCHIVED else None,
            put_away_by_staff=self.by_staff,
            **values,
        )  # fmt: skip


DRAFT = State(EventStatus.DRAFT, was_out=False)
WAITING = State(EventStatus.PENDING_REVIEW, was_out=False)
OUT = State(EventStatus.PUBLISHED)
OFF = State(EventStatus.CANCELLED, was_cancelled=True)
AWAY = State(EventStatus.ARCHIVED)
STATES = {
    "draft": DRAFT,
    "draft, over": replace(DRAFT, is_over=True),
    "waiting": WAITING,
    "waiting, over": replace(WAITING, is_over=True),
    "published": OUT,
    "published, with people": replace(OUT, has_people=True),
    "published, over": replace(OUT, is_over=True),
    "published, over, with people": replace(OUT, is_over=True, has_people=True),
    "cancelled": OFF,
    "cancelled, with people": replace(OFF, has_people=True),
    "cancelled, over, with people": replace(OFF, is_over=True, has_people=True),
    "cancelled draft": replace(OFF, was_out=False),
    "archived": AWAY,
    "archived by staff": replace(AWAY, by_staff=True),
    "archived, over": replace(AWAY, is_over=True),
    "archived, over, with people": replace(AWAY, is_over=True, has_people=True),
    "archived after cancelling, with people": replace(AWAY, was_cancelled=True, has_people=True),
    "archived draft": replace(AWAY, was_out=False),
    "archived draft, over": replace(AWAY, was_out=False, is_over=True),
}


def new_date() -> dict[str, str]:
    return {"startsAt": in_days(20).isoformat(), "endsAt": (in_days(20) + timedelta(hours=2)).isoformat()}


def actions() -> dict[str, tuple[str, dict[str, Any]]]:
    """Column to document and input."""
    return {
        "updateEvent": (UPDATE, {"expectedVersion": 1, "title": "Another title"}),
        "with a new date": (UPDATE, {"expectedVersion": 1, **new_date()}),
        "publishEvent": (PUBLISH, {}),
        "cancelEvent": (CANCEL, {}),
        "archiveEvent": (ARCHIVE, {}),
        "reactivateEvent": (REACTIVATE, {}),
        "with its new date": (REACTIVATE, new_date()),
        "deleteEvent": (DELETE, {}),
    }


async def a_cast(save: Any, *states: State) -> tuple[dict[str, Any], list[Event]]:
    """People by their part, and for each state an event of a club, with its moderation item where it waits."""
    users: dict[str, Any] = {name: make_user() for name in ("organiser", "stranger", "participant", "club owner")}
    users |= {"trusted author": make_user(is_trusted=True), "volunteer": make_user(role=Role.VOLUNTEER)}
    users |= {"moderator": make_user(role=Role.MODERATOR), "administrator": make_user(role=Role.ADMIN)}
    category, venue, club = make_category(), make_venue(), make_club()
    await save(*users.values(), category, venue, club)
    events = [one.event(users["organiser"], category, venue, club=club) for one in states]
    await save(make_membership(club, users["club owner"], role=models.ClubRole.OWNER), *events)
    rows: list[models.Base] = []
    for state, event in zip(states, events, strict=True):
        rows += [make_host(event, users["organiser"]), make_host(event, users["trusted author"])]
        if state.has_people:
            rows.append(make_registration(event, users["participant"]))
        if state.status is EventStatus.PENDING_REVIEW:
            rows.append(ModerationItem(id=models.uuid7(), event_id=event.id, submitted_by_id=users["organiser"].id))
    await save(*rows)
    return users | {"signed out": None}, events


def told(answer: Any) -> str:
    """The status that came of it, or the code, or that it waits."""
    if answer.errors:
        return str(answer.error_codes[0])
    [payload] = answer.data.values()
    if payload["errors"]:
        return str(payload["errors"][0]["code"])
    if "deletedEventId" in payload:
        return "DELETED"
    if payload.get("revision"):
        return "waits"
    return str((payload.get("event") or payload["item"]["event"])["status"])


ALL, SOME = tuple(STATES), ("draft", "published, with people", "archived, over, with people")
EDITORS = {
    "organiser": (OTHERS, ALL),
    "moderator": (TRUSTED, ALL),
    "trusted author": (TRUSTED, SOME),
    "club owner": (TRUSTED, SOME),
    "administrator": (TRUSTED, SOME),
}


CASES = [(who, state) for who, (_table, states) in EDITORS.items() for state in states]


@pytest.mark.parametrize(("who", "state"), CASES)
async def test_what_becomes_of_an_event(client, save, who, state):
    expected = EDITORS[who][0][state]
    users, events = await a_cast(save, *[STATES[state]] * len(actions()))
    caller = client(users[who])

    found = {}
    for event, (action, (document, input)) in zip(events, actions().items(), strict=True):
        if "expectedVersion" in input:
            input |= {"expectedVersion": event.version or 1}
        found[action] = told(await caller.execute(document, eventId=event, **input))

    assert found == expected


@pytest.mark.parametrize("who", STRANGERS)
async def test_who_may_not_act(client, save, who):
    columns = {"an event that was published": "published, with people", "one that never was published": "draft"}
    for column, state in columns.items():
        users, events = await a_cast(save, *[STATES[state]] * len(actions()))

        found = {
            told(await client(users[who]).execute(document, eventId=event, **input))
            for event, (document, input) in zip(events, actions().values(), strict=True)
        }

        assert found == {STRANGERS[who][column]}


@pytest.mark.parametrize("state", DECISIONS)
async def test_what_a_moderator_decides(client, save, ports, state):
    for decision, expected in DECISIONS[state].items():
        name = state.removeprefix(CHANGE)
        users, [event] = await a_cast(save, STATES[name])
        if name != state:
            document, input = actions()["with a new date" if name == "published" else "with its new date"]
            await client(users["organiser"]).execute(document, eventId=event, **input)
        async with ports.database.reading() as session:
            item = (await session.scalars(select(ModerationItem).where(ModerationItem.event_id == event.id))).one()

        answer = await client(users["moderator"]).execute(DECIDE, itemId=item, decision=decision, reason="Because")

        assert told(answer) == expected


def test_the_tables_have_every_state_and_every_action() -> None:
    assert list(TRUSTED) == list(STATES)
    assert set(EventStatus) == {state.status for state in STATES.values()}
    assert all(list(row) == list(actions()) for row in OTHERS.values())


def after(state: State, action: str, outcome: str) -> State:
    """The state to which an action leads; a new event, for one that took place. What waits is approved."""
    outcome = "PUBLISHED" if outcome == "waits" else outcome
    held_again = action == "with its new date" and state.is_over and state.has_people and not state.was_cancelled
    return State(
        EventStatus(outcome),
        is_over=state.is_over and "new date" not in action,
        has_people=state.has_people and not held_again,
        was_out=(state.was_out and not held_again) or outcome == "PUBLISHED",
        was_cancelled=outcome == "CANCELLED" or (state.was_cancelled and outcome == "ARCHIVED"),
    )


@pytest.mark.parametrize("rules", [TRUSTED, OTHERS], ids=["trusted", "others"])
@pytest.mark.parametrize("state", STATES)
def test_from_every_state_there_is_a_way_to_an_event_that_takes_place(rules, state):
    reached, waiting = set(), [STATES[state]]
    while waiting:
        here = waiting.pop()
        if here in reached:
            continue
        reached.add(here)
        name = next((name for name, one in STATES.items() if one == here), None)
        steps = rules[name] | (DECISIONS.get(name) or {}) if name else {}
        waiting += [
            after(here, action, found)
            for action, found in steps.items()
            if found in EventStatus.__members__ or found == "waits"
        ]

    assert any(one.status is EventStatus.PUBLISHED and not one.is_over for one in reached)
