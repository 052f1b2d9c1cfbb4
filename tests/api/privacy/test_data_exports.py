"""A copy of one's own data: asked for, made by a job, downloaded by its owner alone, and removed."""

from __future__ import annotations

import asyncio
import gzip
from datetime import timedelta
from typing import Any

import httpx2
import orjson
import pytest
from sqlalchemy import update

import models
from app import create_app
from jobs.privacy import data_exports
from models import AuditEntry, DataExport, DataExportPart, DataExportState, User, utcnow
from resolvers.privacy import data_export_writing
from tests.api.people.signing import account, sign_in
from tests.api.privacy.test_account_deletion import all_of, full_life, pointing_to_people
from tests.clients import codes, gid
from tests.factories import make_message, make_user

REQUEST = """
mutation ($input: RequestDataExportInput!) {
  requestDataExport(input: $input) { dataExport { id state size url } errors { code details { retryAfter } } }
}
"""
EXPORTS = "{ viewer { dataExports { totalCount nodes { state size finishedAt expiresAt url } } } }"
NODE = "query ($id: ID!) { node(id: $id) { id } }"

EXPORTED = {
    "bookings.user_id": "bookings", "club_memberships.user_id": "clubMemberships",
    "data_exports.user_id": "dataExports",
    "event_hosts.user_id": "hostedEvents", "identities.user_id": "identities", "known_devices.user_id": "knownDevices",
    "messages.author_id": "messages", "moderation_items.submitted_by_id": "submissions",
    "notification_preferences.user_id": "notificationPreferences", "notifications.user_id": "notifications",
    "registrations.user_id": "registrations", "reviews.author_id": "reviews",
    "security_notices.user_id": "securityNotices", "sessions.user_id": "sessions",
    "user_interests.user_id": "interests", "venues.created_by_id": "venues",
}  # fmt: skip
"""Each column that points to a person, and the list of the file that has its rows."""
LEFT_OUT = {
    "passwords.user_id", "one_time_tokens.user_id",  # secrets
    "inboxes.user_id", "read_marks.user_id", "chat_members.user_id",  # how far one has read
    "audit_entries.actor_id", "bookings.recorded_by_id", "chats.created_by_id", "club_memberships.decided_by_id",
    "events.created_by_id", "moderation_items.decided_by_id", "notifications.actor_id", "registrations.recorded_by_id",
    "services.staff_person_id",  # about others, or about what has its own list
}  # fmt: skip


def test_every_column_that_points_to_a_person_is_accounted_for() -> None:
    assert pointing_to_people() == EXPORTED.keys() | LEFT_OUT
    assert {*EXPORTED.values(), "account", "auditOfAccount"} == data_export_writing.SECTIONS.keys()


async def file_of(ports: Any, export_id: Any) -> dict[str, Any]:
    parts = await all_of(ports, DataExportPart, DataExportPart.export_id == export_id)
    content = b"".join(one.content for one in sorted(parts, key=lambda one: one.position))
    return orjson.loads(gzip.decompress(content))


@pytest.fixture
async def download(ports):
    """`await download(url, token)` asks the application as HTTP does."""
    app = create_app(ports.settings)
    async with (
        app.router.lifespan_context(app) as state,
        httpx2.AsyncClient(
            transport=httpx2.ASGITransport(_with_state(app, state)), base_url="http://localhost"
        ) as http,
    ):

        async def ask(url: str, token: str | None = None, **headers: str) -> httpx2.Response:
            given = {"Authorization": f"Bearer {token}"} if token else {}
            return await http.get(httpx2.URL(url).path, headers=given | headers)

        yield ask


def _with_state(app, state):
    async def run(scope, receive, send):
        await app({**scope, "state": dict(state)}, receive, send)

    return run


async def test_all_that_is_ones_own_is_in_it_and_nothing_of_others(client, save, ports, run_jobs, happened):
    ada, of = await full_life(save, ports)
    bob = of["bob"]
    chat = (await all_of(ports, models.Chat, models.Chat.kind == models.ChatKind.GROUP))[0]
    await save(
        make_message(chat, bob, 1, body="Bob's secret"),
        AuditEntry(action="user.edit", subject_type="User", subject_id=ada.id, before={"comment": "Odd"}, after={}),
    )

    asked = await client(ada).execute(REQUEST)
    [mail] = [one for one in await run_jobs() if one.to == ada.email]
    again = await run_jobs()
    [export] = await all_of(ports, DataExport)
    found = await file_of(ports, export.id)

    assert asked.data["requestDataExport"]["errors"] == []
    assert asked.data["requestDataExport"]["dataExport"]["state"] == "QUEUED"
    assert (export.state, again) == (DataExportState.READY, [])
    assert mail.subject == "Your data is ready"
    assert found.keys() == {"exportedAt", *data_export_writing.SECTIONS}
    assert found["account"][0] | {
        "handle": "ada", "email": "ada@example.org", "bio": "Climbs", "phone": "+79161234567", "lastName": "Lovelace",
    } == found["account"][0]  # fmt: skip
    assert {name: len(rows) for name, rows in found.items() if name != "exportedAt" and len(rows) != 1} == {
        "clubMemberships": 3, "hostedEvents": 4, "registrations": 3, "auditOfAccount": 2, "sessions": 0,
        "knownDevices": 0, "securityNotices": 0, "submissions": 0, "venues": 0, "notificationPreferences": 0,
        "dataExports": 0,
    }  # fmt: skip
    assert [one["body"] for one in found["messages"]] == ["Hi"]
    assert {one["note"] for one in found["registrations"]} == {"No nuts"}
    text = str(found)
    for hidden in ("Bob's secret", "Late", "'Kind'", "Odd", bob.handle, bob.email, str(bob.id), "hash", "token"):
        assert hidden not in text, hidden


async def test_a_large_file_is_written_in_pages_and_parts(client, save, ports, run_jobs, monkeypatch):
    ada = make_user()
    chat = models.Chat(id=models.uuid7(), kind=models.ChatKind.GROUP, title="Talk", last_sequence=1200)
    await save(ada, chat)
    await save(*(make_message(chat, ada, number + 1, body=f"{number:x}" * 9) for number in range(1200)))
    monkeypatch.setattr(data_export_writing, "PART", 512)
    monkeypatch.setattr(data_export_writing, "PAGE", 50)

    await client(ada).execute(REQUEST)
    await run_jobs()

    [export] = await all_of(ports, DataExport)
    parts = await all_of(ports, DataExportPart)
    assert len(parts) > 5 and max(len(one.content) for one in parts) == 512
    assert sum(len(one.content) for one in parts) == export.size
    assert [one["body"] for one in (await file_of(ports, export.id))["messages"]] == [
        f"{number:x}" * 9 for number in range(1200)
    ]


async def test_a_job_that_dies_leaves_nothing_behind(client, save, ports, run_jobs, monkeypatch, count):
    ada = make_user()
    await save(ada)
    await client(ada).execute(REQUEST)
    monkeypatch.setitem(
        data_export_writing.SECTIONS,
        "dataExports",
        data_export_writing.Section(lambda _user: 1 / 0),  # type: ignore[arg-type]  # it fails
    )
    with pytest.raises(ZeroDivisionError):
        await run_jobs()
    assert (await count(DataExportPart), await count(DataExport, DataExport.state == DataExportState.QUEUED)) == (0, 1)
    monkeypatch.undo()

    [event] = await all_of(ports, models.OutboxEvent, models.OutboxEvent.name == "user.data_export.requested")
    outgoing: list[Any] = []

    class Mailer:
        async def send(self, mail: Any) -> None:
            outgoing.append(mail)

    for _again in range(2):
        async with ports.database.writing() as uow:
            await data_exports.make(uow, Mailer(), ports.settings, event)  # type: ignore[arg-type]  # a mailer that gathers

    assert len(outgoing) == 1
    assert await count(DataExport, DataExport.state == DataExportState.READY) == 1


async def test_it_is_made_once_a_day_unless_it_failed(client, save, ports, run_jobs, monkeypatch, count):
    ada, bob = make_user(), make_user()
    await save(ada, bob)

    at_once = await asyncio.gather(*(client(ada).execute(REQUEST) for _ in range(3)))
    monkeypatch.setattr(data_export_writing, "MOST_BYTES", 10)
    await run_jobs()
    monkeypatch.undo()
    after_failure = await client(ada).execute(REQUEST)
    await run_jobs()
    too_soon = await client(ada).execute(REQUEST)

    assert sorted(codes(one, "requestDataExport") for one in at_once) == [[], ["RATE_LIMITED"], ["RATE_LIMITED"]]
    assert codes(after_failure, "requestDataExport") == []
    [refused] = too_soon.data["requestDataExport"]["errors"]
    assert refused["code"] == "RATE_LIMITED" and 86_000 < refused["details"]["retryAfter"] <= 86_400
    assert codes(await client(bob).execute(REQUEST), "requestDataExport") == []
    assert await count(DataExport, DataExport.state == DataExportState.FAILED) == 1


async def test_only_its_owner_sees_it_and_downloads_it_while_it_is_kept(client, save, ports, run_jobs, download, count):
    ada, bob = [await account(save, ports) for _ in range(2)]
    tokens = {user.handle: (await sign_in(client, user))["accessToken"] for user in (ada, bob)}
    own, other = tokens[ada.handle], tokens[bob.handle]
    url = (await client(ada).execute(REQUEST)).data["requestDataExport"]["dataExport"]["url"]
    early = await download(url, own)
    await run_jobs()
    [export] = await all_of(ports, DataExport)

    packed, plain = await download(url, own), await download(url, own, **{"Accept-Encoding": "identity"})
    refused = {
        "other": await download(url, other),
        "guest": await download(url),
        "bad token": await download(url, "nonsense"),
        "no id": await download("/exports/x", own),
        "unknown": await download(f"/exports/{models.uuid7()}", own),
    }
    shown = (await client(ada).run(EXPORTS)).data["viewer"]["dataExports"]
    foreign = [await client(bob).run(EXPORTS), await client(bob).run(NODE, id=gid(export))]
    async with ports.database.writing() as uow:
        await uow.session.execute(update(DataExport).values(expires_at=utcnow() - timedelta(seconds=1)))
    late = [await download(url, own)]
    await data_exports.expire(ports.database, ports.settings)
    late.append(await download(url, own))

    assert (early.status_code, early.json()["errors"][0]["extensions"]["reason"]) == (409, "NOT_READY")
    for answer in (packed, plain):
        assert answer.status_code == 200
        assert answer.headers["content-disposition"].startswith('attachment; filename="wingding-')
        assert answer.headers["cache-control"] == "no-store"
        assert answer.json()["account"][0]["handle"] == ada.handle
    assert packed.headers["content-encoding"] == "gzip" and "content-encoding" not in plain.headers
    assert {name: answer.status_code for name, answer in refused.items()} == {
        "other": 404, "guest": 401, "bad token": 401, "no id": 404, "unknown": 404,
    }  # fmt: skip
    assert refused["guest"].headers["www-authenticate"] == "Bearer"
    assert (shown["totalCount"], shown["nodes"][0]["state"], shown["nodes"][0]["url"]) == (1, "READY", url)
    assert shown["nodes"][0]["size"] == export.size
    assert foreign[0].data["viewer"]["dataExports"]["totalCount"] == 0
    assert foreign[1].data["node"] is None
    assert [answer.status_code for answer in late] == [410, 410]
    assert await count(DataExportPart) == 0
    assert [one.state for one in await all_of(ports, DataExport)] == [DataExportState.EXPIRED]


async def test_downloads_are_limited(client, save, ports, run_jobs, download, monkeypatch):
    monkeypatch.setattr("resolvers.privacy.data_exports.DOWNLOADS", 2)
    ada = await account(save, ports)
    token = (await sign_in(client, ada))["accessToken"]
    url = (await client(ada).execute(REQUEST)).data["requestDataExport"]["dataExport"]["url"]

    answers = [await download(url, token) for _ in range(3)]

    assert [one.status_code for one in answers] == [409, 409, 429]
    assert int(answers[-1].headers["retry-after"]) > 0


async def test_what_was_never_made_is_given_up_and_old_records_go(client, save, ports, count):
    ada = make_user()
    await save(ada)
    await client(ada).execute(REQUEST)
    async with ports.database.writing() as uow:
        await uow.session.execute(update(DataExport).values(created_at=utcnow() - timedelta(hours=13)))

    await data_exports.expire(ports.database, ports.settings)

    assert [one.state for one in await all_of(ports, DataExport)] == [DataExportState.FAILED]
    assert codes(await client(ada).execute(REQUEST), "requestDataExport") == []
    async with ports.database.writing() as uow:
        old = utcnow() - timedelta(days=91)
        await uow.session.execute(
            update(DataExport).where(DataExport.state == DataExportState.FAILED).values(created_at=old)
        )
    await data_exports.expire(ports.database, ports.settings)
    assert await count(DataExport) == 1
    assert await count(User) == 1
