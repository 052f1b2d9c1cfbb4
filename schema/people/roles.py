"""Platform roles, and trust in what people publish."""

from __future__ import annotations

import strawberry

import models
from auth.permissions import Permission
from errors import Forbidden, InvalidId, NotFound
from resolvers.people import roles
from schema.core import ids
from schema.core.context import Info
from schema.core.enums import enum
from schema.core.roots import MutationInput, Payload, mutation
from schema.people.users import User

enum(
    Permission,
    "A thing that not everyone may do.",
    CHAT_USE="Open chats and write in them.",
    CLUB_CREATE="Make clubs.",
    CLUB_JOIN="Join clubs.",
    EVENT_CREATE="Make events, which a moderator looks at first.",
    EVENT_MODERATE="Decide about events that wait for review, and publish without one.",
    EVENT_OFFER_SERVICES="Offer services at events.",
    REGISTER="Register for events and book services.",
    REGISTER_OTHERS="Register others and book for them.",
    REVIEW_MODERATE="Take down reviews of others.",
    REVIEW_WRITE="Review events.",
    ROLE_ASSIGN="Give people their platform roles.",
    USER_EDIT="Change profiles of others, which is audited.",
    USER_READ_ACCOUNT="Read the platform roles of others and whether they are active, and find people who are not.",
    USER_READ_EMAIL="Read the e-mail addresses of others, and whether they are proven.",
    USER_READ_PRIVATE="Read the full names and telephone numbers of others.",
    USER_TRUST="Say whose events go out without a moderator, which is audited.",
    VENUE_CREATE="Add venues.",
)


@strawberry.input(description="Who gets which role.")
class AssignRoleInput(MutationInput):
    user_id: strawberry.ID = strawberry.field(description="The user.")
    role: models.Role = strawberry.field(description="Any but GUEST.")


@strawberry.type(description="The user in the new role.")
class AssignRolePayload(Payload):
    user: models.User | None = strawberry.field(default=None, graphql_type=User | None, description="The user.")


@strawberry.input(description="Whom to trust.")
class SetUserTrustedInput(MutationInput):
    user_id: strawberry.ID = strawberry.field(description="Who makes events.")
    is_trusted: bool = strawberry.field(description="Whether they go out without a moderator from now on.")


@strawberry.type(description="The person as trusted, or not.")
class UserTrustedPayload(Payload):
    user: models.User | None = strawberry.field(default=None, graphql_type=User | None, description="The person.")


@strawberry.type
class RoleMutations:
    @mutation(
        description="Give someone a platform role. The last administrator keeps theirs.",
        access=Permission.ROLE_ASSIGN,
        raises=[NotFound, Forbidden, roles.RoleNotAssignable, roles.LastAdministrator],
    )
    async def assign_role(self, info: Info, input: AssignRoleInput) -> AssignRolePayload:
        user_id = ids.decode(input.user_id, "User")
        async with info.context.writing() as uow:
            user = await roles.assign(uow, info.context.viewer, user_id=user_id, role=input.role)
        return AssignRolePayload(user=user)

    @mutation(
        description="Say whether someone's events, and what they change of those that are out, go out without a "
        "moderator. What waits already goes on waiting. Recorded as `user.updated`.",
        access=Permission.USER_TRUST,
        raises=[NotFound, InvalidId],
    )
    async def set_user_trusted(self, info: Info, input: SetUserTrustedInput) -> UserTrustedPayload:
        user_id = ids.decode(input.user_id, "User")
        async with info.context.writing() as uow:
            user = await roles.set_trusted(uow, info.context.viewer, user_id=user_id, is_trusted=input.is_trusted)
        return UserTrustedPayload(user=user)
