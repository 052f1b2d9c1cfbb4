"""An evening with Wingding, as an outside client lives it: two people, a club, events, places, talk, live updates.

    make run                              # in one terminal
    python examples/first_evening.py      # in another; WINGDING_URL if not http://127.0.0.1:8000

Needs only `httpx2` and `websockets`, and a server with the demo data, whose volunteer offers the services. Every step
is asserted; the first that fails ends the program with a non-zero code.
"""

from __future__ import annotations

import asyncio
import os
import re
import sys
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx2
from live import Live  # the WebSocket client next to this file

URL = os.environ.get("WINGDING_URL", "http://127.0.0.1:8000").rstrip("/")
DEMO_PASSWORD = "wingding-demo"
RUN = uuid4().hex[:8]  # so that the story can be told again on the same server


def say(line: str) -> None:
    print(f"  {line}", flush=True)


def check(fits: object, what: str) -> None:
    """Unlike `assert`, this also counts under `python -O`."""
    if not fits:
        raise AssertionError(what)


def same(found: object, wanted: object, what: str) -> None:
    check(found == wanted, f"{what}: expected {wanted!r}, found {found!r}")


class ServerClock:
    """The server's time: our own clock may be wrong, and what begins and ends by minutes goes by the server's."""

    ahead = timedelta()

    def set(self, just_now: str) -> None:
        """By a time that the server has just written down."""
        self.ahead = datetime.fromisoformat(just_now) - datetime.now(UTC)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead


CLOCK = ServerClock()


def later(**distance: float) -> str:
    return (CLOCK.now() + timedelta(**distance)).isoformat()


class Person:
    """Somebody with an account, on their own connection."""

    def __init__(self, name: str, login: str, password: str) -> None:
        self.name, self.login, self.password = name, login, password
        self.http = httpx2.AsyncClient(base_url=URL, timeout=20)
        self.token = ""

    async def ask(self, document: str, **variables: Any) -> Any:
        """Run an operation; top-level errors end the story."""
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        body = {"query": document, "variables": variables}
        answer = (await self.http.post("/graphql", json=body, headers=headers)).json()
        check("errors" not in answer, f"{self.name}: {answer.get('errors')}")
        return answer["data"]

    async def do(self, mutation: str, fields: str, **given: Any) -> Any:
        """Run a mutation that must succeed."""
        payload = await self._run(mutation, fields, given)
        same(payload["errors"], [], f"{self.name}, {mutation}")
        return payload

    async def is_refused(self, mutation: str, **given: Any) -> list[str]:
        """Codes with which a mutation is refused."""
        return [error["code"] for error in (await self._run(mutation, "", given))["errors"]]

    async def _run(self, mutation: str, fields: str, given: dict[str, Any]) -> Any:
        kind = mutation[0].upper() + mutation[1:]
        document = (
            f"mutation ($input: {kind}Input!) {{ {mutation}(input: $input) {{ {fields} errors {{ code message }} }} }}"
        )
        return (await self.ask(document, input=given))[mutation]

    async def sign_up(self) -> None:
        """The account is made by the link in the mail, which a development server shows at /dev/mailbox."""
        address = f"{self.login}@example.org"
        await self.do("signUp", "isAccepted", handle=self.login, email=address, displayName=self.name)
        fields = "user { handle } accessToken"
        payload = await self.do("completeSignUp", fields, token=await self._token_from_mail(), password=self.password)
        same(payload["user"], {"handle": self.login}, "the new account")
        self.token = payload["accessToken"]
        say(f"{self.name} signs up as {self.login}, follows the link in the mail and chooses a password.")

    async def sign_in(self) -> None:
        payload = await self.do("signIn", "accessToken", login=self.login, password=self.password)
        self.token = payload["accessToken"]

    async def _token_from_mail(self) -> str:
        """The token in the newest mail to this person. Mail is sent by a job, so it may take a moment."""
        for _ in range(40):
            mailbox = await self.http.get("/dev/mailbox")
            check(mailbox.status_code == 200, f"{URL}/dev/mailbox shows the mail: that of a development server does")
            mine = re.search(rf'{self.login}@.*?href="(/dev/mailbox/[^"]+)"', mailbox.text, re.DOTALL)
            if mine:
                mail = (await self.http.get(mine.group(1))).text
                found = re.search(r"\?token=([\w.~-]+)", mail)
                check(found, f"the mail to {self.name} has a link")
                return found.group(1) if found else ""
            await asyncio.sleep(0.25)
        raise AssertionError(f"no mail for {self.name} at {URL}/dev/mailbox: is a worker running?")

    async def publish(self, **given: Any) -> Any:
        """A new event, out in the open or before a moderator."""
        created = (await self.do("createEvent", "event { id status }", **given))["event"]
        same(created["status"], "DRAFT", "a new event")
        fields = "event { id title status version capacity availability { taken free } services { id capacity } }"
        return (await self.do("publishEvent", fields, eventId=created["id"]))["event"]

    async def catalogue(self, name: str) -> str:
        """The first entry of a catalogue."""
        nodes = (await self.ask(f"{{ {name}(first: 1) {{ nodes {{ id }} }} }}"))[name]["nodes"]
        check(nodes, f"the server has no {name}: load the demo data (`make seed`)")
        return str(nodes[0]["id"])


async def meet(dina: Person, egor: Person) -> str:
    """The two make accounts and a club. Its id."""
    await dina.sign_up()
    await egor.sign_up()
    fields = "club { id memberCount createdAt }"
    club = (await dina.do("createClub", fields, name=f"Roof games {RUN}", joinPolicy="OPEN"))["club"]
    CLOCK.set(club["createdAt"])
    same(club["memberCount"], 1, "members of a new club")
    joined = await egor.do("joinClub", "membership { role state club { memberCount } }", clubId=club["id"])
    same(joined["membership"], {"role": "MEMBER", "state": "ACTIVE", "club": {"memberCount": 2}}, "membership")
    say("Dina forms the club “Roof games” and Egor joins it: two members.")
    return str(club["id"])


async def one_place(dina: Person, egor: Person, club_id: str) -> tuple[str, str]:
    """An event of the club with a single place, which goes once. Ids of the event and of its chat."""
    event = await dina.publish(
        title="Chess on the roof",
        categoryId=await dina.catalogue("eventCategories"),
        venueId=await dina.catalogue("venues"),
        clubId=club_id,
        startsAt=later(days=3),
        endsAt=later(days=3, hours=2),
        capacity=1,
    )
    same((event["status"], event["availability"]), ("PUBLISHED", {"taken": 0, "free": 1}), "the club's event")
    say("Dina publishes “Chess on the roof” with one place; as the club's owner she needs no moderator.")

    async with Live(URL, dina.token) as hers, Live(URL, egor.token) as his:
        places = await hers.places(event["id"])
        her_news, his_news = await asyncio.gather(hers.news(), his.news())
        taken = await egor.do("registerForEvent", "registration { admission }", eventId=event["id"])
        same(taken["registration"], {"admission": "CONFIRMED"}, "Egor's registration")
        change = await places.next()
        same((change["taken"], change["free"]), (1, 0), "free places, live")
        check(await her_news.next(type="PARTICIPANT_JOINED"), "Dina hears of it")
        check(await his_news.next(type="REGISTRATION_CONFIRMED"), "Egor has it confirmed")
        say("Egor takes it. Dina sees the free places fall to 0 and both are notified, live.")

        same(await dina.is_refused("registerForEvent", eventId=event["id"]), ["FULL"], "a second registration")
        say("Dina wants a place herself and is refused: FULL.")

        await dina.do(
            "updateEvent", "event { version }", eventId=event["id"], expectedVersion=event["version"], capacity=2
        )
        change = await places.next()
        same((change["taken"], change["free"]), (1, 1), "free places after raising the capacity")
        await dina.do("registerForEvent", "registration { admission }", eventId=event["id"])
        change = await places.next()
        same((change["taken"], change["free"]), (2, 0), "free places after the second registration")
        say("She raises the capacity to two and takes the second place; each change arrives live.")
        await places.stop()
        await dina.do("cancelRegistration", "registration { admission }", eventId=event["id"])

        resumed = await his.places(event["id"], after=change["cursor"])
        missed = await resumed.next()
        same((missed["taken"], missed["free"]), (1, 1), "what Egor missed")
        say("Egor's phone was asleep; by the last cursor it gets the cancellation it missed.")

    chat = (await egor.ask("query ($id: ID!) { event(id: $id) { chat { id } } }", id=event["id"]))["event"]["chat"]
    check(chat, "Egor sees the event's chat")
    return event["id"], chat["id"]


async def talk(dina: Person, egor: Person, chat_id: str) -> None:
    """A conversation that survives a lost connection."""

    async def send(author: Person, body: str) -> None:
        await author.do("sendMessage", "message { id }", chatId=chat_id, body=body, clientMessageId=uuid4().hex)

    async with Live(URL, egor.token) as his:
        messages = await his.messages(chat_id)
        await send(dina, "The roof is open from seven.")
        heard = await messages.next()
        same(heard["message"]["body"], "The roof is open from seven.", "Dina's message, live")
        same(heard["message"]["author"], {"displayName": "Dina"}, "its author")
    say("In the event's chat Egor hears Dina at once, and then loses his connection.")

    await send(dina, "Bring a coat,")
    await send(dina, "and the other board.")
    async with Live(URL, egor.token) as his:
        messages = await his.messages(chat_id, after=heard["cursor"])
        bodies = [(await messages.next())["message"]["body"] for _ in range(2)]
        same(bodies, ["Bring a coat,", "and the other board."], "what Egor missed, in order")
        await send(egor, "Will do.")
        same((await messages.next())["message"]["body"], "Will do.", "the stream goes on live")
    say("Back with his cursor he gets both messages that he missed, once and in order, and the talk goes on.")

    page = await egor.ask("query ($id: ID!) { chat(id: $id) { messages(first: 10) { nodes { body } } } }", id=chat_id)
    newest_first = [node["body"] for node in page["chat"]["messages"]["nodes"]]
    same(newest_first[:2], ["Will do.", "and the other board."], "the chat's newest page")


async def services(dina: Person, egor: Person, vera: Person, moderator: Person) -> None:
    """A volunteer's day with services, looked at by a moderator first; a service's last place goes once."""
    await vera.sign_in()
    await moderator.sign_in()
    starts_at, ends_at = later(days=4), later(days=4, hours=3)
    kind = await vera.catalogue("serviceTypes")
    service = {"serviceTypeId": kind, "startsAt": starts_at, "endsAt": ends_at, "windowDays": None}
    event = await vera.publish(
        title=f"Help at the yard {RUN}",
        categoryId=await vera.catalogue("eventCategories"),
        venueId=await vera.catalogue("venues"),
        startsAt=starts_at,
        endsAt=ends_at,
        capacity=10,
        services=[service | {"capacity": 1}, service | {"capacity": 5}],
    )
    same(event["status"], "PENDING_REVIEW", "a volunteer's event")
    queue = "{ moderationQueue(first: 100) { nodes { id event { id } } } }"
    waiting = (await moderator.ask(queue))["moderationQueue"]["nodes"]
    item = next((one for one in waiting if one["event"] and one["event"]["id"] == event["id"]), None)
    check(item, "the event is in the moderator's queue")
    await moderator.do("decideModerationItem", "item { state }", itemId=item["id"], decision="APPROVE")
    say("Vera, a volunteer, plans a day with two services; Max, a moderator, lets it out.")

    small, large = sorted((one for one in event["services"]), key=lambda one: one["capacity"])
    async with Live(URL, dina.token) as hers:
        places = await hers.places(event["id"])
        both = {"serviceIds": [small["id"], large["id"]]}
        booked = await egor.do("bookServices", "bookings { admission }", **both)
        same(booked["bookings"], [{"admission": "CONFIRMED"}] * 2, "Egor's bookings")
        change = await places.next()
        same((change["taken"], change["free"]), (1, 9), "two services, but one person")
        same({one["serviceId"]: one["taken"] for one in change["services"]}, {small["id"]: 1, large["id"]: 1}, "booked")
        same(await dina.is_refused("bookServices", **both), ["FULL"], "a booking for a full service")
        held = await dina.ask("query ($id: ID!) { event(id: $id) { viewerRegistration { id } } }", id=event["id"])
        same(held["event"]["viewerRegistration"], None, "all or nothing: Dina holds no place at all")
    say("Egor books both. Dina sees it live, wants the same, and is refused as a whole: one of them is FULL.")


async def toast(dina: Person, egor: Person, club_id: str) -> tuple[str, datetime]:
    """An event of one second, for which there is time now and a review later. Its id and its end."""
    ends_at = CLOCK.now() + timedelta(seconds=6)
    event = await dina.publish(
        title="A very short toast",
        categoryId=await dina.catalogue("eventCategories"),
        venueId=await dina.catalogue("venues"),
        clubId=club_id,
        startsAt=(ends_at - timedelta(seconds=1)).isoformat(),
        endsAt=ends_at.isoformat(),
    )
    await egor.do("registerForEvent", "registration { admission }", eventId=event["id"])
    same(await egor.is_refused("createReview", eventId=event["id"], rating=5), ["REVIEW_NOT_ALLOWED"], "too early")
    say("Egor comes to “A very short toast” too. He cannot review it yet.")
    return event["id"], ends_at


async def review(dina: Person, egor: Person, event_id: str, ends_at: datetime) -> None:
    """What Egor thought of the toast."""
    await asyncio.sleep(max(0.0, (ends_at - CLOCK.now()).total_seconds()) + 0.2)
    await egor.do("createReview", "review { rating }", eventId=event_id, rating=5, text="Short, but what a view.")
    summary = "query ($id: ID!) { event(id: $id) { ratingSummary { average count histogram } } }"
    found = (await dina.ask(summary, id=event_id))["event"]["ratingSummary"]
    same(found, {"average": 5.0, "count": 1, "histogram": [0, 0, 0, 0, 1]}, "the event's rating")
    same(await egor.is_refused("createReview", eventId=event_id, rating=1), ["ALREADY_REVIEWED"], "once only")
    say("The toast is over, and Egor reviews it, once: five stars.")


async def farewell(dina: Person, egor: Person, event_id: str) -> None:
    """The evening is called off, and he who holds a place hears of it."""
    async with Live(URL, egor.token) as his:
        news = await his.news()
        await dina.do("cancelEvent", "event { status }", eventId=event_id, reason="Rain.")
        told = await news.next(type="EVENT_CANCELLED")
        say(f"It rains and Dina cancels the chess. Egor is told, live: “{told['title']}”")
    unread = "{ viewer { unreadNotificationCount } }"
    check((await egor.ask(unread))["viewer"]["unreadNotificationCount"] >= 2, "Egor's inbox keeps it all")


async def main() -> None:
    print(f"A first evening at {URL}")
    people = [
        Person("Dina", f"dina-{RUN}", "a roof with a view"),
        Person("Egor", f"egor-{RUN}", "knight to f3, then"),
        Person("Vera", "vera", DEMO_PASSWORD),
        Person("Max", "max", DEMO_PASSWORD),
    ]
    dina, egor, vera, moderator = people
    async with AsyncExitStack() as stack:
        for person in people:
            await stack.enter_async_context(person.http)
        club_id = await meet(dina, egor)
        event_id, chat_id = await one_place(dina, egor, club_id)
        toast_id, ends_at = await toast(dina, egor, club_id)
        await talk(dina, egor, chat_id)
        await services(dina, egor, vera, moderator)
        await review(dina, egor, toast_id, ends_at)
        await farewell(dina, egor, event_id)
    print("Good night.")


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except (AssertionError, TimeoutError, httpx2.HTTPError, OSError) as error:
        sys.exit(f"The evening went wrong. {type(error).__name__}: {error}")
