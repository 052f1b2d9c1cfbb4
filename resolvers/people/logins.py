"""Logins: an account is found by its handle or by its proven e-mail address."""

from __future__ import annotations

from sqlalchemy import ColumnElement, func, select

from database import UnitOfWork
from models import User


def is_named(key: str) -> ColumnElement[bool]:
    """Return the condition that this is a user's login, as `login_key` spells it."""
    return func.lower(User.email if "@" in key else User.handle) == key


async def owner_of_email(uow: UnitOfWork, email: str) -> User | None:
    """Return the user whose proven address this is. `email` is in its canonical spelling."""
    found: User | None = await uow.session.scalar(
        select(User).where(is_named(email.lower()), User.email_verified_at.is_not(None))
    )
    return found
