from __future__ import annotations

from sqlalchemy import String, func

from auth.visibility import users_visible_to
from dataloaders.base import one
from models import User

by_id = one(User, key=User.id, select=users_visible_to)
by_handle = one(User, key=func.lower(User.handle, type_=String), select=users_visible_to)
