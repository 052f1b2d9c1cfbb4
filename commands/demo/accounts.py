"""The demo accounts that a database has."""

from __future__ import annotations

from sqlalchemy import select

from commands.demo.people import ACCOUNTS
from database import Database, is_outage
from models import User


async def demo_accounts(database: Database) -> list[tuple[str, str]]:
    """Return handles and roles of the demo accounts that there are; none while PostgreSQL is away."""
    handles = [handle for handle, *_ in ACCOUNTS]
    is_demo = (User.handle.in_(handles), User.email == User.handle + "@example.org", User.is_active)
    try:
        async with database.reading() as session:
            found = await session.execute(select(User.handle, User.role).where(*is_demo).order_by(User.handle))
            return [(handle, role.name) for handle, role in found]
    except Exception as error:
        if not is_outage(error):
            raise
        return []
