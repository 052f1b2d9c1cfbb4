"""Audiences of the fields of one's profile."""

from __future__ import annotations

from collections.abc import Mapping

from auth.viewer import Viewer
from auth.visibility.people import PRIVACY_DEFAULTS
from database import UnitOfWork
from models import Audience, User
from resolvers.people.profiles import ProfileUpdated, locked


async def set_privacy(uow: UnitOfWork, viewer: Viewer, *, audiences: Mapping[str, Audience]) -> User:
    """Choose who may read fields of one's profile. Fields that are left out keep their audience.

    A trigger tells the places and memberships of the person, by which lists find who may be shown.
    """
    user = await locked(uow, viewer, None)
    privacy = user.privacy | {field: audience.value for field, audience in audiences.items()}
    if privacy_of(privacy) != privacy_of(user.privacy):
        user.privacy = privacy
        await uow.session.flush()
        uow.record(ProfileUpdated(subject_id=user.id, changed=["privacy"]))
    return user


def privacy_of(chosen: Mapping[str, str]) -> dict[str, Audience]:
    """Return the audience of every field that has one, chosen or by default."""
    return {field: Audience(chosen.get(field) or default.value) for field, default in PRIVACY_DEFAULTS.items()}
