"""Accounts whose deletion is due."""

from __future__ import annotations

import structlog
from sqlalchemy import select

from database import Database, is_outage
from models import User, utcnow
from resolvers.privacy import account_erasure
from settings import Settings

log = structlog.get_logger()


async def delete_due(database: Database, _settings: Settings) -> int:
    """Carry out the deletions whose time has come, each in a transaction of its own. What fails is left for the next
    time and keeps no other account waiting.
    """
    async with database.reading() as session:
        due = select(User.id).where(User.deletion_at <= utcnow()).order_by(User.deletion_at)
        user_ids = (await session.scalars(due)).all()
    done = 0
    for user_id in user_ids:
        try:
            async with database.writing() as uow:
                done += await account_erasure.carry_out(uow, user_id)
        except Exception as error:
            if is_outage(error):
                log.warning("account.deletion_put_off", user_id=str(user_id), error=type(error).__name__)
            else:
                log.error("account.deletion_failed", user_id=str(user_id), exc_info=error)
    return done
