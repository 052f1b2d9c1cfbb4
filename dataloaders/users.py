from __future__ import annotations

from auth.visibility import users_visible_to
from dataloaders.base import one
from models import User

by_id = one(User, key=User.id, select=users_visible_to)
