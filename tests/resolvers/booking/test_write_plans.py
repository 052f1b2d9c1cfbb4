"""What a write reads does not grow with its tables, also with a plan that is kept for all values."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from auth.viewer import Viewer
from models import Inbox, NotificationType
from resolvers.booking import registrations
from tests.factories import make_category, make_chat, make_event, make_host, make_notification, make_user, make_venue

READ = text(
    "SELECT relname, seq_tup_read + coalesce(idx_tup_fetch, 0) AS rows FROM pg_stat_xact_user_tables "
    "WHERE seq_tup_read + coalesce(idx_tup_fetch, 0) > 100"
)


@pytest.mark.parametrize("analyzed", [False, True])
async def test_registering_reads_few_rows(ports, save, analyzed):
    host, category, venue, *people = make_user(), make_category(), make_venue(), *(make_user() for _ in range(40))
    event = make_event(host, category, venue)
    await save(host, category, venue, *people)
    await save(event, make_host(event, host), make_chat(kind="EVENT", event_id=event.id))
    kind = NotificationType.REGISTRATION_CONFIRMED
    told = [
        make_notification(user, number, type=kind, topic=f"{kind} {number} {user.id}", subject_id=event.id)
        for user in people
        for number in range(1, 9)
    ]
    await save(*told, *(Inbox(user_id=user.id, last_sequence=8) for user in people))
    async with ports.database.writing() as uow:
        if analyzed:
            await uow.session.execute(text("ANALYZE notifications, users, events, registrations"))
        await uow.session.execute(text("SET LOCAL plan_cache_mode = force_generic_plan"))
        # Small tables are read whole, which is right and says nothing of large ones.
        await uow.session.execute(text("SET LOCAL enable_seqscan = off"))
        before = dict((await uow.session.execute(READ)).all())
        await registrations.register(uow, Viewer(people[0]), event_id=event.id)
        after = dict((await uow.session.execute(READ)).all())
    assert {name: rows - before.get(name, 0) for name, rows in after.items() if rows - before.get(name, 0) > 100} == {}
