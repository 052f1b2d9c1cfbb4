"""What must hold of inboxes."""

from __future__ import annotations

from sqlalchemy import select

from models import Inbox, Notification
from resolvers.core.invariants import declare, found, stream

declare(
    {
        "inbox stream is whole": stream(
            Inbox, Inbox.user_id, Inbox.last_sequence, Notification, Notification.user_id, starts_at_one=True
        ),
        "nobody has read what they were not told": select(
            Inbox.user_id, found(read=Inbox.read_sequence, last=Inbox.last_sequence)
        ).where(Inbox.read_sequence > Inbox.last_sequence),
    }
)
