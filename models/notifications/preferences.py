from __future__ import annotations

from enum import Enum
from uuid import UUID

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from models.core.base import Base
from models.notifications.notifications import NotificationType


class Channel(Enum):
    IN_APP = "IN_APP"
    EMAIL = "EMAIL"


class NotificationPreference(Base):
    """A choice that differs from the default of its type."""

    __tablename__ = "notification_preferences"

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    type: Mapped[NotificationType] = mapped_column(primary_key=True)
    channel: Mapped[Channel] = mapped_column(primary_key=True)
    is_enabled: Mapped[bool]
