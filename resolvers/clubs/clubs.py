"""Clubs: making, changing and finding them, and what someone may do in one."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import partial
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import Select, select

from auth.viewer import Viewer
from auth.visibility.clubs import clubs_listed_to, clubs_of, clubs_visible_to
from database import UnitOfWork
from dataloaders.core.filter_conditions import among
from dataloaders.core.keyset_pages import Key, Listing, Order
from errors import Forbidden, NotFound, UserError, VersionConflict, check_text, refuse
from models import (
    Club,
    ClubInterest,
    ClubKind,
    ClubMembership,
    ClubRole,
    ClubVisibility,
    ClubWords,
    DomainEvent,
    Event,
    JoinPolicy,
    MembershipState,
    utcnow,
)
from resolvers.chat import members
from resolvers.core import audit, word_search
from resolvers.people import interests

RANKS = {role: rank for rank, role in enumerate(ClubRole)}
STAFF_RANK = len(RANKS)
"""Moderators and administrators of the platform stand above every role in a club."""
NO_RANK = -1

TEXTS = {
    "name": partial(check_text, maximum=255, required=True),
    "description": partial(check_text, maximum=5000, multiline=True),
}
SPELLINGS = {"join_policy": "joinPolicy"}
"""Columns that clients spell otherwise."""


@dataclass(frozen=True, kw_only=True)
class ClubCreated(DomainEvent):
    name: ClassVar[str] = "club.created"
    subject_type: ClassVar[str] = "Club"


@dataclass(frozen=True, kw_only=True)
class ClubUpdated(DomainEvent):
    name: ClassVar[str] = "club.updated"
    subject_type: ClassVar[str] = "Club"
    changed: Sequence[str]


class ClubSort(Enum):
    RELEVANCE = "RELEVANCE"
    NAME = "NAME"
    NEWEST = "NEWEST"


ORDERS = {
    ClubSort.RELEVANCE: (Key(Club.name_key), Key(Club.id)),
    ClubSort.NAME: (Key(Club.name_key), Key(Club.id)),
    ClubSort.NEWEST: (Key(Club.created_at, descending=True), Key(Club.id, descending=True)),
}


@dataclass(frozen=True, kw_only=True)
class ClubSearch:
    """The filter of clubs. All given conditions must hold."""

    text: str | None = None
    interest_ids: Sequence[UUID] | None = None
    kinds: Sequence[ClubKind] | None = None
    visibilities: Sequence[ClubVisibility] | None = None
    viewer_is_member: bool | None = None


@dataclass(eq=False)
class LockedClub:
    """A club, locked until the unit of work ends, and where the viewer stands in it."""

    club: Club
    own: ClubMembership | None
    is_staff: bool
    acts_as_staff: bool = dataclasses.field(init=False)
    """Whether the viewer's platform role lets them do more than their own role here, as it was to begin with."""

    def __post_init__(self) -> None:
        self.acts_as_staff = self.is_staff and self.own_rank < RANKS[ClubRole.OWNER]

    @property
    def rank(self) -> int:
        return STAFF_RANK if self.is_staff else self.own_rank

    @property
    def own_rank(self) -> int:
        is_member = self.own is not None and self.own.state is MembershipState.ACTIVE
        return RANKS[self.own.role] if self.own is not None and is_member else NO_RANK

    def has(self, least: ClubRole) -> bool:
        """Whether the viewer may do what this role may."""
        return self.rank >= RANKS[least]

    @property
    def may_add_events(self) -> bool:
        """An event of a club is made by a member or by staff, but by nobody who is banned there."""
        return self.has(ClubRole.MEMBER) and (self.own is None or not self.own.is_banned_at(utcnow()))

    def require(self, least: ClubRole) -> None:
        """Raise `Forbidden` if the viewer has a lower role here."""
        if not self.has(least):
            raise Forbidden(path=("clubId",))


async def lock(uow: UnitOfWork, viewer: Viewer, club_id: UUID) -> LockedClub:
    """Lock a club. What is decided about its members is decided one after the other, and no event of it is made until
    the unit of work ends. Raises `NotFound`.
    """
    club = await uow.session.get(Club, club_id, populate_existing=True, with_for_update={"key_share": True})
    visible = clubs_visible_to(viewer).where(Club.id == club_id).with_only_columns(Club.id)
    if club is None or await uow.session.scalar(visible) is None:
        raise NotFound(path=("clubId",))
    own = await membership(uow, club_id, viewer.require_user())
    return LockedClub(club, own, viewer.is_staff)


async def share(uow: UnitOfWork, club_id: UUID | None) -> None:
    """For whoever makes an event of a club: waits for those who decide about its members, and they wait for this.

    Who is put out loses their places at all events that there are, so none may be made meanwhile.
    """
    await uow.session.execute(select(Club.id).where(Club.id == club_id).with_for_update(read=True))


async def share_of_event(uow: UnitOfWork, event_id: UUID) -> None:
    """As `share`, of the club of an event, for whoever gives roles at it. Call it before the event is locked."""
    of_event = select(Event.club_id).where(Event.id == event_id).scalar_subquery()
    await uow.session.execute(select(Club.id).where(Club.id == of_event).with_for_update(read=True, of=Club))


async def membership(uow: UnitOfWork, club_id: UUID, user_id: UUID) -> ClubMembership | None:
    found: ClubMembership | None = await uow.session.scalar(
        select(ClubMembership)
        .where(ClubMembership.club_id == club_id, ClubMembership.user_id == user_id)
        .execution_options(populate_existing=True)
    )
    return found


async def create(
    uow: UnitOfWork,
    viewer: Viewer,
    *,
    name: str,
    description: str | None = None,
    kind: ClubKind = ClubKind.CLUB,
    visibility: ClubVisibility | None = None,
    join_policy: JoinPolicy | None = None,
    interest_ids: Sequence[UUID] = (),
) -> Club:
    """Write a club with its chat. The creator is its owner. A GROUP is private and by invitation by default."""
    owner_id = viewer.require_user()
    problems: list[UserError] = []
    texts = {"name": name, "description": description}
    checked = {field: TEXTS[field](problems, text, field) for field, text in texts.items()}
    chosen = await interests.check_known(uow, problems, interest_ids, "interestIds")
    refuse(problems)
    is_group = kind is ClubKind.GROUP
    club = Club(
        **checked,
        kind=kind,
        visibility=visibility or (ClubVisibility.PRIVATE if is_group else ClubVisibility.PUBLIC),
        join_policy=join_policy or (JoinPolicy.INVITE_ONLY if is_group else JoinPolicy.OPEN),
    )
    uow.session.add(club)
    await uow.session.flush()
    owner = ClubMembership(
        club_id=club.id, user_id=owner_id, role=ClubRole.OWNER, state=MembershipState.ACTIVE, joined_at=utcnow()
    )
    uow.session.add(owner)
    await interests.replace(uow, ClubInterest, "club_id", club.id, chosen)
    await members.create_for_club(uow, club, [owner_id])
    uow.record(ClubCreated(subject_id=club.id))
    return club


async def update(
    uow: UnitOfWork,
    viewer: Viewer,
    *,
    club_id: UUID,
    expected_version: int,
    changes: Mapping[str, Any],
    interest_ids: Sequence[UUID] | None = None,
) -> Club:
    """Change a club. `changes` has the columns that were given; what is equal already is no change."""
    standing = await lock(uow, viewer, club_id)
    standing.require(ClubRole.ADMIN)
    club = standing.club
    if club.version != expected_version:
        raise VersionConflict(path=("expectedVersion",), expected_version=club.version)
    problems: list[UserError] = []
    checked = {
        field: TEXTS[field](problems, given, field) if field in TEXTS else given for field, given in changes.items()
    }
    chosen = None
    if interest_ids is not None:
        chosen = await interests.check_known(uow, problems, interest_ids, "interestIds")
    refuse(problems)
    changed = {field: given for field, given in checked.items() if getattr(club, field) != given}
    before = {field: getattr(club, field) for field in changed}
    for field, given in changed.items():
        setattr(club, field, given)
    names = [SPELLINGS.get(field, field) for field in changed]
    of_club = select(ClubInterest.interest_id).where(ClubInterest.club_id == club.id)
    liked = sorted(await uow.session.scalars(of_club)) if chosen is not None else []
    if chosen is not None and any(await interests.replace(uow, ClubInterest, "club_id", club.id, chosen)):
        names.append("interests")
    if names:
        club.version += 1
        uow.record(ClubUpdated(subject_id=club.id, changed=sorted(names)))
        if standing.own_rank < RANKS[ClubRole.ADMIN]:
            audit.note(
                uow, viewer, "club.update", subject_type="Club", subject_id=club.id,
                before={**before, "interests": liked}, after={**changed, "interests": sorted(chosen or liked)},
            )  # fmt: skip
    await uow.session.flush()
    return club


def listing(viewer: Viewer, search: ClubSearch, sort: ClubSort | None = None) -> Listing:
    """Clubs that lists may show to the viewer. Unless told otherwise, the best finds come first."""
    query = word_search.query_of(search.text)
    statement = clubs_listed_to(viewer, hidden_too=search.visibilities is not None)
    order: Order = ORDERS[sort or ClubSort.NAME]
    if query is not None:
        found = select(ClubWords.club_id, query.rank(ClubWords.words).label("rank"))
        words = found.where(query.matches(ClubWords.words)).subquery("found")
        statement = statement.join(words, words.c.club_id == Club.id)
        if sort is None or sort is ClubSort.RELEVANCE:
            order = (Key(words.c.rank), *ORDERS[ClubSort.RELEVANCE])
    if search.interest_ids is not None:
        liked = select(ClubInterest.club_id).where(*among(ClubInterest.interest_id, search.interest_ids))
        statement = statement.where(Club.id.in_(liked))
    statement = statement.where(*among(Club.kind, search.kinds), *among(Club.visibility, search.visibilities))
    return Listing(_of_members(statement, viewer, search.viewer_is_member), order)


def _of_members(statement: Select[Club], viewer: Viewer, wanted: bool | None) -> Select[Club]:
    if wanted is None:
        return statement
    mine = Club.id.in_(clubs_of(viewer.id))
    return statement.where(mine if wanted else ~mine)
