from __future__ import annotations

from uuid import UUID

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.core.base import Base, BigInt, CreatedAt, PrimaryKey


class Message(Base):
    __tablename__ = "messages"
    __table_args__ = (
        UniqueConstraint("chat_id", "sequence"),
        UniqueConstraint("chat_id", "author_id", "client_message_id"),
    )

    id: Mapped[PrimaryKey]
    chat_id: Mapped[UUID] = mapped_column(ForeignKey("chats.id", ondelete="CASCADE"))
    sequence: Mapped[BigInt]
    author_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    body: Mapped[str] = mapped_column(String(10000))
    client_message_id: Mapped[str] = mapped_column(String(100))
    sent_at: Mapped[CreatedAt]
