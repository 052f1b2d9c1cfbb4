from __future__ import annotations

from auth.visibility import moderation_items_visible_to
from dataloaders.base import one
from models import ModerationItem

by_id = one(ModerationItem, key=ModerationItem.id, select=moderation_items_visible_to)
