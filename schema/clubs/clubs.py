from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import strawberry

import dataloaders.chat.chats
import dataloaders.clubs.clubs
import dataloaders.clubs.membership
import dataloaders.clubs.viewer_can
import dataloaders.people.interests
import models
from auth.permissions import Permission
from dataloaders.core.keyset_pages import Listing
from errors import Forbidden, InvalidId, NotFound, Required, TooLong, TooMany, VersionConflict
from resolvers.clubs import clubs as rules
from resolvers.clubs import viewer_can
from resolvers.people.interests import check_most
from schema.clubs.membership import ClubMembership, ClubMembershipFilter
from schema.clubs.viewer_can import ClubViewerCan
from schema.core import ids
from schema.core.access import PUBLIC, SIGNED_IN
from schema.core.connection_types import Connection
from schema.core.context import Info
from schema.core.enums import enum
from schema.core.filters import ALL_HOLD, Filter
from schema.core.input_checks import checked
from schema.core.node_interface import Node
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
    "What kind of community a club is.",
    CLUB="A community around shared interests.",
    GROUP="A small group of people who go out together.",
)
enum(
    models.ClubVisibility,
    "Who can see a club.",
    PUBLIC="Everyone can see the club, and it appears in lists.",
    UNLISTED="Everyone who has the link can see the club. It appears only in the lists of its members.",
    PRIVATE="Only members, invited people and staff can see the club.",
)
enum(
    models.JoinPolicy,
    "How people become members of a club.",
    OPEN="Anyone can join at once.",
    APPROVAL="People ask to join, and the people who run the club decide.",
    INVITE_ONLY="People can join only if they were invited.",
)
enum(
    rules.ClubSort,
    "How to sort a list of clubs. Clubs that compare equal are sorted by id.",
    RELEVANCE="By how well the club matches the text of the filter: first clubs with its words in the name, "
    "then in name and interests together, then the others. Each group is sorted by name.",
    NAME="By name, alphabetically.",
    NEWEST="By creation time, newest first.",
)


@strawberry.input(description=f"Filters the clubs of a person. {ALL_HOLD}")
class MemberClubFilter(Filter):
    kinds: list[models.ClubKind] | None = strawberry.field(
        default=None, description="Keep clubs of one of these kinds."
    )
    roles: list[models.ClubRole] | None = strawberry.field(
        default=None, description="Keep clubs in which the person has one of these roles."
    )


@strawberry.type(description="A community around shared interests, with members, events and a chat of its own.")
class Club(Node, row=models.Club, by_id=dataloaders.clubs.clubs.by_id):
    name: str = strawberry.field(description="The name, at most 255 characters.")
    description: str | None = strawberry.field(description="What the club is about, at most 5,000 characters.")
    kind: models.ClubKind = strawberry.field(description="What kind of community it is.")
    visibility: models.ClubVisibility = strawberry.field(description="Who can see the club.")
    join_policy: models.JoinPolicy = strawberry.field(description="How people become members.")
    created_at: datetime = strawberry.field(description="When the club was created.")
    version: int = strawberry.field(
        description="The version of the club, which grows with each edit. Pass it as `expectedVersion` to `updateClub`."
    )
    interests: list[Interest] = related(
        dataloaders.people.interests.by_club_id, description="The interests that the club is about, at most 50."
    )
    viewer_can = allowed(
        ClubViewerCan,
        viewer_can.OfClub,
        "join_policy",
        own=Need(dataloaders.clubs.membership.own_by_club_id, visible=signed_in),
        owners=Need(dataloaders.clubs.viewer_can.owner_count_by_club_id, visible=signed_in),
    )
    member_count: int = related(dataloaders.clubs.membership.member_count, description="The number of active members.")
    members: Connection[ClubMembership] = connected(
        dataloaders.clubs.membership.members_by_club_id,
        filter=ClubMembershipFilter,
        unfiltered=ClubMembershipFilter(),
        description="The members, in order of joining. Active ones by default; `filter` can ask for other "
        "states. People who hide their clubs are visible only to fellow members, but the people who run "
        "the club are always visible.",
    )
    viewer_membership: ClubMembership | None = related(
        dataloaders.clubs.membership.own_by_club_id,
        description="The caller's membership, request or invitation. Null if there is none.",
    )
    owner: User | None = related(
        dataloaders.clubs.membership.owner_by_club_id,
        description="The owner who has been in the club longest. Null if the caller cannot see them.",
    )
    owners: list[User] = related(dataloaders.clubs.membership.owners_by_club_id, description="All owners, at most 20.")
    chat: Annotated[Chat, strawberry.lazy("schema.chat.chats")] | None = related(
        dataloaders.chat.chats.by_club_id, description="The chat of the club. Null if the caller is not in it."
    )
    events: Connection[Annotated[Event, strawberry.lazy("schema.events.events")]] = connected(
        dataloaders.clubs.clubs.events_by_club_id,
        description="Published events that have not ended, soonest first. Only events that the caller can find "
        "in lists.",
    )


@strawberry.input(description=f"Filters a list of clubs. {ALL_HOLD}")
class ClubFilter(Filter):
    text: str | None = strawberry.field(
        default=None,
        metadata=SEARCHED_NAMES,
        description="Words to search for in name, interests and description. Matches any grammatical form in "
        "Russian or English and beginnings of words, and ignores case and the difference between е "
        "and ё. At most 200 characters.",
    )
    interest_ids: list[strawberry.ID] | None = strawberry.field(
        default=None, description="Keep clubs about at least one of these interests, at most 100."
    )
    kinds: list[models.ClubKind] | None = strawberry.field(
        default=None, description="Keep clubs of one of these kinds."
    )
    visibilities: list[models.ClubVisibility] | None = strawberry.field(
        default=None,
        description="Keep clubs with one of these visibilities. Clubs that are not PUBLIC are found by their "
        "members, and by staff who name the visibility here.",
    )
    viewer_is_member: bool | None = strawberry.field(
        default=None, description="True keeps clubs that the caller is a member of, false keeps the others."
    )


@strawberry.input(description="Input of `createClub`.")
class CreateClubInput(MutationInput):
    name: str = strawberry.field(description="The name, 1 to 255 characters.", metadata=checked(rules.TEXTS["name"]))
    description: str | None = strawberry.field(
        default=None,
        description="What the club is about, at most 5,000 characters.",
        metadata=checked(rules.TEXTS["description"]),
    )
    kind: models.ClubKind = strawberry.field(default=models.ClubKind.CLUB, description="What kind of community it is.")
    visibility: models.ClubVisibility | None = strawberry.field(
        default=None, description="Who can see the club. Defaults to PUBLIC for a club and PRIVATE for a group."
    )
    join_policy: models.JoinPolicy | None = strawberry.field(
        default=None, description="How people become members. Defaults to OPEN for a club and INVITE_ONLY for a group."
    )
    interest_ids: list[strawberry.ID] = strawberry.field(
        default_factory=list,
        description="The interests that the club is about, at most 50.",
        metadata=checked(check_most),
    )


@strawberry.input(
    description="Input of `updateClub`. Fields that are omitted stay unchanged; null clears a field that may be empty."
)
class UpdateClubInput(MutationInput):
    club_id: strawberry.ID = strawberry.field(description="The club to edit.")
    expected_version: int = strawberry.field(
        description="The `version` of the club when it was read. If the club was edited since, the mutation is "
        "refused with VERSION_CONFLICT."
    )
    name: strawberry.Maybe[str | None] = strawberry.field(
        description="The new name, 1 to 255 characters.", metadata=checked(rules.TEXTS["name"])
    )
    description: strawberry.Maybe[str | None] = strawberry.field(
        description="The new description, at most 5,000 characters. Null removes it.",
        metadata=checked(rules.TEXTS["description"]),
    )
    visibility: strawberry.Maybe[models.ClubVisibility] = strawberry.field(
        description="Who can see the club from now on."
    )
    join_policy: strawberry.Maybe[models.JoinPolicy] = strawberry.field(
        description="How people become members from now on. Pending requests stay as they are."
    )
    interest_ids: strawberry.Maybe[list[strawberry.ID]] = strawberry.field(
        description="The complete new list of interests, at most 50.", metadata=checked(check_most)
    )


@strawberry.type(description="The result of a mutation that creates or edits a club.")
class ClubPayload(Payload):
    club: models.Club | None = strawberry.field(
        default=None, graphql_type=Club | None, description="The club. Null if the mutation was refused."
    )


@strawberry.type
class ClubQueries:
    club = looked_up(
        Club, description="A club by its id. Null if it does not exist or the caller cannot see it.", access=PUBLIC
    )

    @connection(
        description="The public clubs and the clubs that the caller is a member of. Sorted by RELEVANCE if the "
        "filter has a text, otherwise by NAME, unless `sort` says otherwise.",
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
        description="Create a club together with its chat. The caller becomes its owner. Emits the domain event "
        "`club.created`.",
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
        description="Edit a club. Its owners and administrators may do this, and moderators of the platform, "
        "whose edits are audited. Emits the domain event `club.updated`.",
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
