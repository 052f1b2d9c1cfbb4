from __future__ import annotations

from auth.visibility.events import events_readable_by
from dataloaders.core.declarations import one
from models import Event

by_id = one(Event, key=Event.id, select=events_readable_by)
