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
    "A right that depends on the platform role. `viewer.permissions` lists those of the caller.",
    CHAT_USE="Open chats and send messages.",
    CLUB_CREATE="Create clubs.",
    CLUB_JOIN="Join clubs.",
    EVENT_CREATE="Create and edit events. Publishing goes through a moderator unless the author is trusted.",
    EVENT_MODERATE="Decide about events that wait for a moderator, and publish without one.",
    EVENT_OFFER_SERVICES="Offer services at events.",
    REGISTER="Register for events and book services.",
    REGISTER_OTHERS="Register other people and book services for them.",
    REVIEW_MODERATE="Delete reviews of others, and see hidden ones.",
    REVIEW_WRITE="Review events.",
    ROLE_ASSIGN="Assign platform roles.",
    USER_EDIT="Edit profiles of other people. Audited.",
    USER_READ_ACCOUNT="Read the platform roles of other people and whether their accounts are active, and find "
    "inactive people.",
    USER_READ_EMAIL="Read the e-mail addresses of other people and whether they are verified.",
    USER_READ_PRIVATE="Read the full names and telephone numbers of other people, and the profile fields that they "
    "hide.",
    USER_TRUST="Set whose events are published without a moderator. Audited.",
    VENUE_CREATE="Create venues.",
)


@strawberry.input(description="Input of `assignRole`.")
class AssignRoleInput(MutationInput):
    user_id: strawberry.ID = strawberry.field(description="The user.")
    role: models.Role = strawberry.field(description="The new role. GUEST is not possible.")


@strawberry.type(description="The result of `assignRole`.")
class AssignRolePayload(Payload):
    user: models.User | None = strawberry.field(
        default=None,
        graphql_type=User | None,
        description="The user with the new role. Null if the mutation was refused.",
    )


@strawberry.input(description="Input of `setUserTrusted`.")
class SetUserTrustedInput(MutationInput):
    user_id: strawberry.ID = strawberry.field(description="The author of events.")
    is_trusted: bool = strawberry.field(
        description="Whether the person's events are published without a moderator from now on."
    )


@strawberry.type(description="The result of `setUserTrusted`.")
class UserTrustedPayload(Payload):
    user: models.User | None = strawberry.field(
        default=None, graphql_type=User | None, description="The person. Null if the mutation was refused."
    )


@strawberry.type
class RoleMutations:
    @mutation(
        description="Give a person another platform role. The last administrator cannot lose theirs.",
        access=Permission.ROLE_ASSIGN,
        raises=[NotFound, Forbidden, roles.RoleNotAssignable, roles.LastAdministrator],
    )
    async def assign_role(self, info: Info, input: AssignRoleInput) -> AssignRolePayload:
        user_id = ids.decode(input.user_id, "User")
        async with info.context.writing() as uow:
            user = await roles.assign(uow, info.context.viewer, user_id=user_id, role=input.role)
        return AssignRolePayload(user=user)

    @mutation(
        description="Set whether a person is trusted: then their events, and their changes of published events, "
        "take effect without a moderator. Items that already wait keep waiting. Emits the domain "
        "event `user.updated`.",
        access=Permission.USER_TRUST,
        raises=[NotFound, InvalidId],
    )
    async def set_user_trusted(self, info: Info, input: SetUserTrustedInput) -> UserTrustedPayload:
        user_id = ids.decode(input.user_id, "User")
        async with info.context.writing() as uow:
            user = await roles.set_trusted(uow, info.context.viewer, user_id=user_id, is_trusted=input.is_trusted)
        return UserTrustedPayload(user=user)
