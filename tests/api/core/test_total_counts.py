"""Long lists are counted up to a bound, and say so."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import select, text

from auth.viewer import Viewer
from dataloaders.core.compiled_loaders import CompiledLoaders
from dataloaders.core.counting import MOST_COUNTED, Total
from dataloaders.core.declarations import PageRequest, pages, value
from dataloaders.core.keyset_pages import PageArgs
from dataloaders.core.loaders import Loaders
from models import Inbox, Notification
from tests.clients import Client
from tests.factories import make_notification, make_user

NUMBERS = "generate_series(CAST(:first AS int), CAST(:last AS int)) AS n"
INTERESTS = f"""
INSERT INTO interests (id, slug, name_ru, name_en)
SELECT gen_random_uuid(), 'i' || n, 'i' || n, 'i' || n FROM {NUMBERS}
"""
NOTIFICATIONS = f"""
INSERT INTO notifications (id, user_id, sequence, type)
SELECT gen_random_uuid(), :user, n, 'EVENT_CANCELLED' FROM {NUMBERS}
"""
LENGTHS = """
{ interests(first: 1) { totalCount totalCountIsCapped }
  viewer { notifications(first: 1) { totalCountIsCapped again: totalCount totalCount } } }
"""
ONLY_WHETHER = "{ viewer { notifications(first: 0) { totalCountIsCapped } } }"


@pytest.fixture
def write(ports):
    async def write(statement, **values):
        async with ports.database.writing() as uow:
            await uow.session.execute(text(statement), values)

    return write


async def test_a_list_is_counted_up_to_a_bound(ports, schema, save, write):
    ada = make_user()
    await save(ada)
    reference = replace(ports, settings=replace(ports.settings, execution="reference"))
    clients = {one.settings.execution: Client(schema, one, ada, "en") for one in (ports, reference)}
    first = 1
    for length, (number, is_capped) in {
        3: (3, False),
        MOST_COUNTED: (MOST_COUNTED, False),
        MOST_COUNTED + 1: (MOST_COUNTED, True),
    }.items():
        await write(INTERESTS, first=first, last=length)
        await write(NOTIFICATIONS, first=first, last=length, user=ada.id)
        first = length + 1
        for name, client in clients.items():
            answer = await client.run(LENGTHS)
            whether = await client.run(ONLY_WHETHER)

            assert answer.data == {
                "interests": {"totalCount": number, "totalCountIsCapped": is_capped},
                "viewer": {"notifications": {"totalCountIsCapped": is_capped, "again": number, "totalCount": number}},
            }, (name, length)
            assert len([one for one in answer.statements if "count(" in one]) == 2, "each list is counted once"
            assert whether.data == {"viewer": {"notifications": {"totalCountIsCapped": is_capped}}}, (name, length)


async def test_a_kept_number_is_exact_and_nothing_is_counted(ports, save):
    ada, anna = make_user(), make_user()
    many = 3 * MOST_COUNTED
    await save(ada, anna, make_notification(anna, 1))
    await save(Inbox(user_id=ada.id, last_sequence=many))
    kept = value(key=Inbox.user_id, select=lambda _: select(Inbox.user_id, Inbox.last_sequence), default=0)
    declared = pages(
        Notification,
        key=Notification.user_id,
        select=lambda _: select(Notification),
        order_by=[Notification.id],
        typical=1,
        kept_count=lambda _, filter: None if filter else kept,
    )
    for loaders in (Loaders(ports.database, Viewer(ada)), CompiledLoaders(ports.database, Viewer(ada))):
        page = await loaders.load_page(declared, ada.id, PageRequest(PageArgs()))
        without = await loaders.load_page(declared, anna.id, PageRequest(PageArgs()))

        assert (await page.total(), await without.total()) == (Total(many), Total())
