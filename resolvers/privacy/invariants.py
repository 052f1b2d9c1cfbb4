"""What must hold of deleted accounts."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, CompoundSelect, Select, exists, func, literal, select, union_all

from models import (
    TAKING_PART,
    ChatMember,
    ClubMembership,
    DataExport,
    Event,
    EventHost,
    Identity,
    KnownDevice,
    MembershipState,
    Password,
    Registration,
    Session,
    User,
    UserInterest,
    is_over,
)
from resolvers.core.invariants import declare


def _deleted_with(entity: Any, *conditions: ColumnElement[bool]) -> Select[UUID, str]:
    """Select deleted accounts that still own rows."""
    having = exists().where(entity.user_id == User.id, *conditions)
    return select(User.id, literal(f"is deleted and has {entity.__tablename__}")).where(
        User.deleted_at.is_not(None), having
    )


def _deleted_with_anything() -> CompoundSelect[UUID, str]:
    coming = exists().where(
        Event.id == Registration.event_id, ~is_over(Event.ends_at, func.now()), Event.deleted_at.is_(None)
    )
    states = (MembershipState.ACTIVE, MembershipState.PENDING, MembershipState.INVITED)
    return union_all(
        _deleted_with(Registration, Registration.admission.in_(TAKING_PART), coming),
        _deleted_with(ClubMembership, ClubMembership.state.in_(states)),
        _deleted_with(ChatMember, ChatMember.left_at.is_(None)),
        *(
            _deleted_with(entity)
            for entity in (EventHost, Session, Password, Identity, KnownDevice, UserInterest, DataExport)
        ),
    )


declare(
    {
        "a deleted account has nothing": _deleted_with_anything(),
    }
)
