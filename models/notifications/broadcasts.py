from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, Identity, Index, String, Uuid, func, text
from sqlalchemy.orm import Mapped, mapped_column

from models.core.base import Base, CreatedAt


class Broadcast(Base):
    """News for more people than are told in the transaction of what caused it: what is told to whom, and how far it is.

    Workers take it in batches (`resolvers/notifications/broadcasts.py`), and the row goes with the last one.
    """

    __tablename__ = "broadcasts"
    __table_args__ = (
        Index(None, "object_id", "number"),
        Index(None, "topic", postgresql_where=text("topic IS NOT NULL")),
    )

    number: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    """Given out under the lock of the object: what is told of one object is told in this order."""
    object_id: Mapped[UUID]
    """The event or the chat."""
    audience: Mapped[str] = mapped_column(String(20))
    """How the people are found: `LISTED`, or the name of a function that looks for them."""
    recipients: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid), server_default="{}")
    """In the order of their ids."""
    notice: Mapped[dict[str, Any]]
    """What a notification is made of, without the person."""
    topic: Mapped[str | None] = mapped_column(String(100))
    """The topic of the notice, by which later news end what is not yet told."""
    ends: Mapped[list[str]] = mapped_column(ARRAY(String), server_default="{}")
    """Topics of what anybody was told before and is no longer so. One that is dealt with is taken out."""
    ends_of_each: Mapped[list[str]] = mapped_column(ARRAY(String), server_default="{}")
    """Beginnings of topics that end with the id of a recipient."""
    position: Mapped[int] = mapped_column(default=0, server_default="0")
    """How many of the recipients are done."""
    done_up_to: Mapped[UUID | None]
    """Up to which id people are done: of those who were told under the first of `ends`, or of those looked for."""
    created_at: Mapped[CreatedAt]
    served_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    """The last time that a batch was told. The one that has waited for longest comes next."""
