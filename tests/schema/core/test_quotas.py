"""How much one user may write: declared for every mutation, counted for all processes, told with the time."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from auth.viewer import Viewer
from integrations.quick_redis import QuickRedis
from integrations.token_buckets import SharedTokenBuckets
from models import Club, ClubRole, Message, Role, User
from schema import Schema
from schema.core import metadata
from schema.core.access import PUBLIC
from schema.core.ports import Ports
from schema.core.quotas import EDITS, INVITATIONS, Quota, Quotas, QuotaSpent
from settings import QUOTAS, Rate, Settings, SettingsError, quotas_in
from tests.clients import Client, codes, free_port
from tests.factories import make_chat, make_club, make_member, make_membership, make_user

CREATE = """
mutation ($input: CreateClubInput!) {
  createClub(input: $input) { club { id } errors { code message path details { retryAfter opensAt } } }
}
"""
UPDATE = "mutation ($input: UpdateClubInput!) { updateClub(input: $input) { club { name } errors { code } } }"
SEND = "mutation ($input: SendMessageInput!) { sendMessage(input: $input) { message { body } errors { code } } }"

WITHOUT = {
    "signOut": "ends what is one's own, and must always be possible",
    "signOutEverywhere": "the same",
    "revokeSession": "the same",
    "markChatRead": "writes one row that is there, again and again, while someone reads",
    "markNotificationsRead": "the same",
    "markAllNotificationsRead": "the same",
    "verifyEmail": "has limits of its own (auth/throttle.py)",
    "resendVerification": "the same",
}
"""Mutations of signed-in people that count as nothing, and why. Those of guests limit themselves."""
MAKING = ("create", "add", "invite", "send", "register", "book", "join", "reactivate", "request", "upload", "report")
"""How the names of mutations begin that make new things."""


@pytest.fixture
async def redis(ports: Ports) -> AsyncIterator[QuickRedis]:
    made = QuickRedis(ports.settings.redis_url, patience=5)
    yield made
    await made.disconnect()


@pytest.fixture
def limited(schema: Schema, ports: Ports, redis: QuickRedis) -> Callable[..., Client]:
    """`limited(user, clubs=3)` speaks to a process where users may make three clubs in a day."""

    def make(user: User, *, redis: QuickRedis = redis, **most: int) -> Client:
        rates = {kind: Rate(number, 86_400) for kind, number in most.items()}
        quotas = Quotas(SharedTokenBuckets(redis, "quota", slices=20), rates)
        return Client(schema, replace(ports, quotas=quotas), user, "en")

    return make


def declared(schema: Schema) -> dict[str, tuple[Quota, ...]]:
    """The quotas of each mutation that is not for guests."""
    fields = schema.mutation.__strawberry_definition__.fields
    return {
        schema.config.name_converter.get_graphql_name(one): one.metadata[metadata.QUOTAS]
        for one in fields
        if one.metadata[metadata.ACCESS] is not PUBLIC
    }


def test_every_mutation_of_signed_in_people_has_a_quota(schema: Schema) -> None:
    found = declared(schema)

    assert {name for name, quotas in found.items() if not quotas} == set(WITHOUT)
    making = {name for name in found if name.startswith(MAKING)}
    assert {"createClub", "sendMessage", "registerForEvent", "bookServices", "addService"} <= making
    # A set of one's own, of 50 at most, and what is given once a day.
    assert {name for name in making if found[name] == (EDITS,)} == {"addInterests", "requestDataExport"}


def test_the_kinds_of_the_setting_are_those_of_the_mutations(schema: Schema) -> None:
    used = {quota.kind for quotas in declared(schema).values() for quota in quotas}

    assert set(quotas_in(QUOTAS)) == used


def test_the_docs_say_what_the_quotas_are() -> None:
    page = (Path(__file__).parents[3] / "docs" / "errors.md").read_text()

    lines = re.findall(r"^\| `(\w+)` \| (\d+) an? (\w+) \|", page, re.MULTILINE)

    assert " ".join(f"{kind}={most}/{period}" for kind, most, period in lines) == QUOTAS


async def test_what_is_above_a_quota_is_refused_with_the_time(limited, save, count):
    ada, bob = make_user(), make_user()
    await save(ada, bob)
    as_ada = limited(ada, clubs=3)

    answers = [await as_ada.execute(CREATE, name=f"Club {number}") for number in range(4)]
    others = await limited(bob, clubs=3).execute(CREATE, name="Bob's")

    assert [codes(answer, "createClub") for answer in answers] == [[], [], [], ["RATE_LIMITED"]]
    [error] = answers[-1].data["createClub"]["errors"]
    assert 28_700 <= error["details"]["retryAfter"] <= 28_800, "a third of a day"
    assert error["details"]["opensAt"] is not None
    assert error["path"] is None
    assert "You can do it again from" in error["message"]
    assert codes(others, "createClub") == []
    assert await count(Club) == 4


async def test_processes_share_a_quota(limited, save, count):
    ada = make_user()
    await save(ada)

    for number in range(4):
        await limited(ada, clubs=3).execute(CREATE, name=f"Club {number}")

    assert await count(Club) == 3


async def test_only_what_is_written_counts(limited, save, count):
    ada = make_user()
    await save(ada)
    as_ada = limited(ada, clubs=2)

    for _ in range(5):
        assert codes(await as_ada.execute(CREATE, name=" "), "createClub") == ["REQUIRED"]
    for _ in range(3):
        await as_ada.execute(CREATE, name="Once", idempotencyKey="once-and-again")
    await as_ada.execute(CREATE, name="Twice")

    assert await count(Club) == 2
    assert codes(await as_ada.execute(CREATE, name="Three times"), "createClub") == ["RATE_LIMITED"]


@pytest.mark.parametrize(("role", "most"), [(Role.USER, 1), (Role.VOLUNTEER, 10), (Role.ADMIN, 10)])
async def test_who_works_for_others_may_write_more(limited, save, count, role, most):
    ada = make_user(role=role)
    await save(ada)
    client = limited(ada, clubs=1)

    for number in range(12):
        await client.execute(CREATE, name=f"Club {number}")

    assert await count(Club) == most


async def test_a_list_counts_as_many_as_it_has(redis):
    quotas = Quotas(SharedTokenBuckets(redis, "quota", slices=20), {"invitations": Rate(5, 86_400)})
    ada = Viewer(make_user())

    async def invite(number: int) -> bool:
        try:
            async with quotas.counted(ada, [INVITATIONS.each("people")], SimpleNamespace(people=["someone"] * number)):
                return True
        except QuotaSpent:
            return False

    assert [await invite(number) for number in (3, 3, 0, 2, 1, 0)] == [True, False, True, True, False, True]


async def test_what_has_no_kind_of_its_own_is_an_edit(limited, save):
    ada, club = make_user(), make_club()
    await save(ada, club)
    await save(make_membership(club, ada, role=ClubRole.OWNER))
    as_ada = limited(ada, edits=2)

    answers = [
        await as_ada.execute(UPDATE, clubId=club, expectedVersion=number + 1, name=f"Name {number}")
        for number in range(3)
    ]

    assert [codes(answer, "updateClub") for answer in answers] == [[], [], ["RATE_LIMITED"]]


async def test_without_redis_a_process_counts_by_itself(limited, save, count):
    ada = make_user()
    await save(ada)
    nowhere = QuickRedis(f"redis://127.0.0.1:{free_port()}", pause=60)
    as_ada = limited(ada, redis=nowhere, clubs=2)

    for number in range(3):
        await as_ada.execute(CREATE, name=f"Club {number}")

    assert await count(Club) == 2


async def test_counting_a_message_takes_no_statement(limited, client, save, count):
    ada, bob, chat = make_user(), make_user(), make_chat()
    await save(ada, bob, chat)
    await save(make_member(chat, ada), make_member(chat, bob))

    counted = await limited(ada, messages=100).execute(SEND, chatId=chat, body="Hello", clientMessageId="1")
    uncounted = await client(ada).execute(SEND, chatId=chat, body="Hello", clientMessageId="2")

    assert codes(counted, "sendMessage") == codes(uncounted, "sendMessage") == []
    assert await count(Message) == 2
    assert len(counted.statements) == len(uncounted.statements)


@pytest.mark.parametrize(
    ("given", "changed"),
    [
        (QUOTAS, {}),
        ("", {}),
        ("clubs=20/day", {"clubs": Rate(20, 86_400)}),
        ("clubs=0, edits=5/minute messages=0", {"clubs": None, "edits": Rate(5, 60), "messages": None}),
    ],
)
def test_a_setting_changes_the_kinds_that_it_names(given: str, changed: dict[str, Any]) -> None:
    expected = {kind: rate for kind, rate in (quotas_in(QUOTAS) | changed).items() if rate is not None}

    assert quotas_in(Settings.load({"QUOTAS": given}).quotas) == expected


def test_quotas_can_be_turned_off() -> None:
    assert quotas_in("off") == {}


@pytest.mark.parametrize("given", ["clubs", "clubs=x/day", "clubs=-1/day", "clubs=1/week", "castles=1/day", "on"])
def test_a_wrong_quota_is_named(given: str) -> None:
    with pytest.raises(SettingsError, match="QUOTAS"):
        Settings.load({"QUOTAS": given})
