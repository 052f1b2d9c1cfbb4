from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import strawberry

import dataloaders.chat.chats
import dataloaders.clubs.clubs
import dataloaders.clubs.membership
import dataloaders.clubs.viewer_can
import dataloaders.people.interests
import dataloaders.people.users
import models
from auth.permissions import Permission
from dataloaders.core.pages import Listing
from errors import (
    Forbidden,
    InvalidId,
    NotFound,
    Required,
    TooLong,
    TooMany,
    VersionConflict,
)
from resolvers.clubs import clubs as rules
from resolvers.clubs import viewer_can
from resolvers.people.interests import check_most
from schema.clubs.viewer_can import ClubMembershipViewerCan, ClubViewerCan
from schema.core import ids
from schema.core.access import PUBLIC, SIGNED_IN
from schema.core.connections import Connection
from schema.core.context import Info
from schema.core.enums import enum
from schema.core.filters import ALL_HOLD, Filter
from schema.core.input_checks import checked
from schema.core.node import Node
from schema.core.prices import SEARCHED_NAMES
from schema.core.quotas import CLUBS
from schema.core.relations import Need, connected, related, signed_in
from schema.core.roots import MutationInput, Payload, connection, looked_up, mutation
from schema.core.viewer_can import allowed
from schema.people.interests import Interest
from schema.people.users import User

if TYPE_CHECKING:
    from schema.chat.chats import Chat
    from schema.events.events import Event

enum(
    models.ClubKind,
    "Whether it is a club or a group.",
    CLUB="A community by interest.",
    GROUP="A small group for going out together.",
)
enum(
    models.ClubVisibility,
    "Who sees a club.",
    PUBLIC="Everyone; it is in every list.",
    UNLISTED="Anyone with the link; no list shows it.",
    PRIVATE="Members only.",
)
enum(
    models.JoinPolicy,
    "How one becomes a member.",
    OPEN="One joins at once.",
    APPROVAL="One asks, and those who run the club decide.",
    INVITE_ONLY="By invitation only.",
)
enum(
    models.ClubRole,
    "What someone may do in a club, weakest first.",
    MEMBER="Takes part.",
    MODERATOR="Decides about requests and puts members out.",
    ADMIN="Runs the club: changes it, and gives roles.",
    OWNER="As ADMIN, and may hand the club over. There is always one.",
)
enum(
    models.MembershipState,
    "Where a membership stands.",
    INVITED="Invited, and has not answered.",
    PENDING="Asked to join, and waits for a decision.",
    ACTIVE="A member.",
    REJECTED="Asked to join and was not let in.",
    LEFT="Left, or took a request or an invitation back.",
    BANNED="Was put out, and does not come back before `bannedUntil`, or before a host lifts it.",
)
enum(
    rules.ClubSort,
    "Order of a list of clubs.",
    RELEVANCE="Those first whose name has the words of the text, then those that have them in name and interests, then "
    "the others; among these by name.",
    NAME="By name.",
    NEWEST="The newest first.",
)


@strawberry.input(description=f"Narrows a list of memberships. {ALL_HOLD}")
class ClubMembershipFilter(Filter):
    states: list[models.MembershipState] | None = strawberry.field(
        default_factory=lambda: [models.MembershipState.ACTIVE],
        description="In one of these states. Requests and invitations are shown to the person and to those who run the "
        "club. Null: any state.",
    )
    roles: list[models.ClubRole] | None = strawberry.field(default=None, description="With one of these roles.")


@strawberry.input(description=f"Narrows the clubs of a person. {ALL_HOLD}")
class MemberClubFilter(Filter):
    kinds: list[models.ClubKind] | None = strawberry.field(default=None, description="Of these kinds.")
    roles: list[models.ClubRole] | None = strawberry.field(
        default=None, description="In which the person has one of these roles."
    )


@strawberry.type(description="A person in a club, or on the way into it or out of it.")
class ClubMembership(Node, row=models.ClubMembership, by_id=dataloaders.clubs.membership.membership_by_id):
    role: models.ClubRole = strawberry.field(description="What the person may do in the club.")
    state: models.MembershipState = strawberry.field(description="Where the membership stands.")
    joined_at: datetime | None = strawberry.field(description="When the person became a member last; null if never.")
    ban_reason: str | None = strawberry.field(description="Why the person was put out, if that was said.")
    banned_until: datetime | None = strawberry.field(
        description="When a ban ends by itself. Null in the state BANNED means when a host lifts it."
    )
    user: User | None = related(dataloaders.people.users.by_id, key="user_id", description="Null when no longer there.")
    club: Annotated[Club, strawberry.lazy("schema.clubs.clubs")] | None = related(
        dataloaders.clubs.clubs.by_id, key="club_id", description="Null when it is not visible to the reader."
    )
    viewer_can = allowed(
        ClubMembershipViewerCan,
        viewer_can.OfMembership,
        *("user_id", "role", "state"),
        club=Need(dataloaders.clubs.clubs.by_id, key="club_id"),
        own=Need(dataloaders.clubs.membership.own_by_club_id, key="club_id", visible=signed_in),
        owners=Need(dataloaders.clubs.viewer_can.owner_count_by_club_id, key="club_id", visible=signed_in),
    )


@strawberry.type(description="A community by interest, with members, events and a chat of its own.")
class Club(Node, row=models.Club, by_id=dataloaders.clubs.clubs.by_id):
    name: str = strawberry.field(description="At most 255 characters.")
    description: str | None = strawberry.field(description="At most 5000 characters.")
    kind: models.ClubKind = strawberry.field(description="Club or group.")
    visibility: models.ClubVisibility = strawberry.field(description="Who sees it.")
    join_policy: models.JoinPolicy = strawberry.field(description="How one becomes a member.")
    created_at: datetime = strawberry.field(description="When it was made.")
    version: int = strawberry.field(description="Give it back as `expectedVersion` when changing the club.")
    interests: list[Interest] = related(
        dataloaders.people.interests.by_club_id, description="What it is about, at most 50."
    )
    viewer_can = allowed(
        ClubViewerCan,
        viewer_can.OfClub,
        "join_policy",
        own=Need(dataloaders.clubs.membership.own_by_club_id, visible=signed_in),
        owners=Need(dataloaders.clubs.viewer_can.owner_count_by_club_id, visible=signed_in),
    )
    member_count: int = related(dataloaders.clubs.membership.member_count, description="Active members.")
    members: Connection[ClubMembership] = connected(
        dataloaders.clubs.membership.members_by_club_id,
        filter=ClubMembershipFilter,
        unfiltered=ClubMembershipFilter(),
        description="Active members, in the order in which they came, unless filtered otherwise. People who hide "
        "their clubs are shown to fellow members only; those who run the club always.",
    )
    viewer_membership: ClubMembership | None = related(
        dataloaders.clubs.membership.own_by_club_id, description="The caller's membership, request or invitation."
    )
    owner: User | None = related(
        dataloaders.clubs.membership.owner_by_club_id, description="The owner; of several, the first."
    )
    owners: list[User] = related(dataloaders.clubs.membership.owners_by_club_id, description="All owners, at most 20.")
    chat: Annotated[Chat, strawberry.lazy("schema.chat.chats")] | None = related(
        dataloaders.chat.chats.by_club_id, description="Its chat; null for whoever is not in it."
    )
    events: Connection[Annotated[Event, strawberry.lazy("schema.events.events")]] = connected(
        dataloaders.clubs.clubs.events_by_club_id,
        description="Published events that are not over, soonest first, as far as the reader finds them in lists.",
    )


@strawberry.input(description=f"Narrows a list of clubs. {ALL_HOLD}")
class ClubFilter(Filter):
    text: str | None = strawberry.field(
        default=None,
        metadata=SEARCHED_NAMES,
        description="Words of name, interests or description, in any Russian or English form, also unfinished ones; "
        "case and ё do not matter. At most 200 characters.",
    )
    interest_ids: list[strawberry.ID] | None = strawberry.field(
        default=None, description="About at least one of these, at most 100."
    )
    kinds: list[models.ClubKind] | None = strawberry.field(default=None, description="Of these kinds.")
    visibilities: list[models.ClubVisibility] | None = strawberry.field(
        default=None,
        description="Seen by these. Others than PUBLIC are found by their members, and by staff who name them here.",
    )
    viewer_is_member: bool | None = strawberry.field(
        default=None, description="Those of which the caller is a member, or is none."
    )


@strawberry.input(description="A club to make.")
class CreateClubInput(MutationInput):
    name: str = strawberry.field(description="1 to 255 characters.", metadata=checked(rules.TEXTS["name"]))
    description: str | None = strawberry.field(
        default=None, description="At most 5000 characters.", metadata=checked(rules.TEXTS["description"])
    )
    kind: models.ClubKind = strawberry.field(default=models.ClubKind.CLUB, description="Club or group.")
    visibility: models.ClubVisibility | None = strawberry.field(
        default=None, description="PUBLIC for a club, PRIVATE for a group, if left out."
    )
    join_policy: models.JoinPolicy | None = strawberry.field(
        default=None, description="OPEN for a club, INVITE_ONLY for a group, if left out."
    )
    interest_ids: list[strawberry.ID] = strawberry.field(
        default_factory=list, description="What it is about, at most 50.", metadata=checked(check_most)
    )


@strawberry.input(description="Changes of a club. A field that is left out stays; null empties one.")
class UpdateClubInput(MutationInput):
    club_id: strawberry.ID = strawberry.field(description="The club.")
    expected_version: int = strawberry.field(description="`version` as one has read it.")
    name: strawberry.Maybe[str | None] = strawberry.field(
        description="1 to 255 characters.", metadata=checked(rules.TEXTS["name"])
    )
    description: strawberry.Maybe[str | None] = strawberry.field(
        description="At most 5000 characters.", metadata=checked(rules.TEXTS["description"])
    )
    visibility: strawberry.Maybe[models.ClubVisibility] = strawberry.field(description="Who sees it.")
    join_policy: strawberry.Maybe[models.JoinPolicy] = strawberry.field(
        description="How one becomes a member. Requests that wait stay as they are."
    )
    interest_ids: strawberry.Maybe[list[strawberry.ID]] = strawberry.field(
        description="All of its interests from now on, at most 50.", metadata=checked(check_most)
    )


@strawberry.type(description="What making or changing a club answers.")
class ClubPayload(Payload):
    club: models.Club | None = strawberry.field(default=None, graphql_type=Club | None, description="The club.")


@strawberry.type
class ClubQueries:
    club = looked_up(Club, description="A club by its id; null when missing or hidden.", access=PUBLIC)

    @connection(
        description="Clubs: the public ones, and those of which the caller is a member. Without a `sort` they come by "
        "RELEVANCE where a text is looked for, else by NAME.",
        access=PUBLIC,
        of=Club,
    )
    def clubs(
        self,
        info: Info,
        filter: ClubFilter | None = None,
        sort: rules.ClubSort | None = None,
    ) -> Listing:
        return rules.listing(info.context.viewer, _search(filter), sort)


def _search(filter: ClubFilter | None) -> rules.ClubSearch:
    if filter is None:
        return rules.ClubSearch()
    return rules.ClubSearch(
        text=filter.text,
        interest_ids=ids.maybe_all(filter.interest_ids, "Interest"),
        kinds=filter.kinds,
        visibilities=filter.visibilities,
        viewer_is_member=filter.viewer_is_member,
    )


@strawberry.type
class ClubMutations:
    @mutation(
        description="Make a club, with its chat. The creator becomes its owner. Recorded as `club.created`.",
        access=Permission.CLUB_CREATE,
        gathers=True,
        raises=[InvalidId, NotFound, Required, TooLong, TooMany],
        quotas=[CLUBS],
    )
    async def create_club(self, info: Info, input: CreateClubInput) -> ClubPayload:
        interest_ids = ids.decode_all(input.interest_ids, "Interest")
        async with info.context.writing() as uow:
            club = await rules.create(
                uow,
                info.context.viewer,
                name=input.name,
                description=input.description,
                kind=input.kind,
                visibility=input.visibility,
                join_policy=input.join_policy,
                interest_ids=interest_ids,
            )
        return ClubPayload(club=club)

    @mutation(
        description="Change a club: its owners, administrators, and moderators of the platform, whose changes are "
        "audited. Recorded as `club.updated`.",
        access=SIGNED_IN,
        gathers=True,
        raises=[Forbidden, InvalidId, NotFound, Required, TooLong, TooMany, VersionConflict],
    )
    async def update_club(self, info: Info, input: UpdateClubInput) -> ClubPayload:
        club_id = ids.decode(input.club_id, "Club")
        given = {name: getattr(input, name) for name in ("name", "description", "visibility", "join_policy")}
        interest_ids = ids.decode_all(input.interest_ids.value, "Interest") if input.interest_ids is not None else None
        async with info.context.writing() as uow:
            club = await rules.update(
                uow,
                info.context.viewer,
                club_id=club_id,
                expected_version=input.expected_version,
                changes={name: some.value for name, some in given.items() if some is not None},
                interest_ids=interest_ids,
            )
        return ClubPayload(club=club)
