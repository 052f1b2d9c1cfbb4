from __future__ import annotations

from models import HandledEvent, NotificationType, OutboxDelivery
from resolvers.notifications import notify
from tests.factories import make_user


async def test_a_notification_is_mailed(ports, save, run_jobs, count):
    ada = make_user(email="ada@example.org")
    await save(ada)
    async with ports.database.writing() as uow:
        await notify(uow, [ada.id], NotificationType.EVENT_APPROVED, title="Walk")

    mails = await run_jobs()

    assert [(mail.to, mail.subject) for mail in mails] == [("ada@example.org", "Your event is out: Walk")]
    assert await count(OutboxDelivery, OutboxDelivery.consumer == "jobs") == 0
    assert await count(HandledEvent) == 1
    assert await run_jobs() == []
