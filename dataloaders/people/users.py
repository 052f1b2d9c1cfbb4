from __future__ import annotations

from sqlalchemy import String, func

from auth.visibility.people import users_readable_by
from dataloaders.core.declarations import one
from models import User

by_id = one(User, key=User.id, select=users_readable_by)
by_handle = one(User, key=func.lower(User.handle, type_=String), select=users_readable_by)
