"""Rules of `viewerCan`, by the functions that mutations ask (`docs/viewer-can.md`)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from auth.viewer import Viewer
from models import ClubRole
from resolvers.clubs import bans, membership, membership_states, ranks
from resolvers.clubs.clubs import LockedClub


@dataclass(frozen=True)
class OfClub:
    """`own` is the viewer's membership."""

    club: Any
    viewer: Viewer
    own: Any
    owners: int

    @cached_property
    def standing(self) -> LockedClub:
        return LockedClub(self.club, self.own, self.viewer.is_staff)

    @property
    def update(self) -> bool:
        return self.standing.has(ClubRole.ADMIN)

    @property
    def join(self) -> bool:
        return membership.refusal_to_join(self.standing) is None and not membership.has_asked(self.standing)

    @property
    def leave(self) -> bool:
        if not membership.is_open(self.own):
            return False
        return membership_states.refusal_to_step_down(self.own, owners=self.owners) is None

    @property
    def invite(self) -> bool:
        return self.standing.has(ClubRole.MODERATOR)

    @property
    def create_event(self) -> bool:
        return self.standing.may_add_events


@dataclass(frozen=True)
class OfMembership:
    """`club` is null where it is hidden; `own` is the viewer's membership in it."""

    member: Any
    viewer: Viewer
    club: Any
    own: Any
    owners: int

    @cached_property
    def standing(self) -> LockedClub:
        return LockedClub(self.club, self.own, self.viewer.is_staff)

    @cached_property
    def _may_step_down(self) -> bool:
        return membership_states.refusal_to_step_down(self.member, owners=self.owners) is None

    @property
    def _is_decided(self) -> bool:
        return self.club is not None and membership.refusal_to_decide(self.standing, self.member) is None

    @property
    def approve(self) -> bool:
        return self._is_decided

    @property
    def reject(self) -> bool:
        return self._is_decided

    @property
    def remove(self) -> bool:
        actor_id = self.viewer.require_user()
        if self.club is None or not self._may_step_down:
            return False
        return bans.refusal_to_remove(self.standing, self.member, actor_id=actor_id) is None

    @property
    def lift_ban(self) -> bool:
        return self.club is not None and bans.refusal_to_lift(self.standing, self.member) is None

    @property
    def change_role(self) -> bool:
        """To any other role."""
        return self.club is not None and any(self._may_become(role) for role in ClubRole)

    def _may_become(self, role: ClubRole) -> bool:
        if role is self.member.role or ranks.refusal_to_change_role(self.standing, self.member, role):
            return False
        return role is ClubRole.OWNER or self._may_step_down

    @property
    def transfer_ownership(self) -> bool:
        return self.club is not None and ranks.refusal_to_transfer(self.standing, self.member) is None
