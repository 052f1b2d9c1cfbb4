"""What must hold of inboxes."""

from __future__ import annotations

from models import Inbox, Notification
from resolvers.core.invariants import declare, stream

declare(
    {
        "inbox stream is whole": stream(
            Inbox, Inbox.user_id, Inbox.last_sequence, Notification, Notification.user_id, starts_at_one=True
        ),
    }
)
