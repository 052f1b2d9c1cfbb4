from __future__ import annotations

from datetime import date
from typing import Annotated, Any

import strawberry

import dataloaders.people.users
import models
from errors import ErrorCode, Forbidden, InvalidId, NotFound, Required, TooLong, UserError, _
from resolvers.core.time_zones import UnknownTimeZone
from resolvers.people import profiles as rules
from resolvers.people.accounts import HandleTaken, InvalidHandle, UnknownLocale
from schema.core import ids
from schema.core.access import PUBLIC, SIGNED_IN
from schema.core.context import Info
from schema.core.input_checks import checked
from schema.core.roots import MutationInput, Payload, mutation, query
from schema.people.users import User

FIELDS = (
    "handle",
    "display_name",
    "bio",
    "location",
    "first_name",
    "last_name",
    "patronymic",
    "birth_date",
    "phone",
    "locale",
    "time_zone",
    "comment",
)


class GiveIdOrHandle(UserError):
    code = ErrorCode.INVALID
    message = _("Give either an id or a handle.")


@strawberry.type(description="The caller's own private data: names, birth date and contact.")
class Person:
    first_name: str | None = strawberry.field(description="The given name.")
    last_name: str | None = strawberry.field(description="The surname.")
    patronymic: str | None = strawberry.field(description="The patronymic.")
    full_name: str | None = strawberry.field(description="Surname, given name and patronymic in one text.")
    birth_date: date | None = strawberry.field(description="The birth date. No one else can read it.")
    phone: str | None = strawberry.field(description="The telephone number in E.164 format, such as +79161234567.")
    locale: str = strawberry.field(description="The language of mail and messages, `ru` or `en`.")
    time_zone: str = strawberry.field(description="The IANA time zone, such as Europe/Moscow.")


@strawberry.input(
    description="Input of `updateProfile`. Fields that are omitted stay unchanged; null clears a field that may be "
    "empty."
)
class UpdateProfileInput(MutationInput):
    user_id: strawberry.ID | None = strawberry.field(
        default=None,
        description="The person whose profile to edit. Defaults to the caller. Someone else's requires the "
        "permission `USER_EDIT`.",
    )
    handle: strawberry.Maybe[str] = strawberry.field(
        description="The new handle: 3 to 50 Latin letters, digits, dots, dashes or underscores. It can be "
        "changed once in 30 days.",
        metadata=checked(rules.CHECKS["handle"]),
    )
    display_name: strawberry.Maybe[str | None] = strawberry.field(
        description="The name shown to others, 1 to 100 characters.", metadata=checked(rules.CHECKS["display_name"])
    )
    bio: strawberry.Maybe[str | None] = strawberry.field(
        description="A text about the person, at most 2000 characters.", metadata=checked(rules.CHECKS["bio"])
    )
    location: strawberry.Maybe[str | None] = strawberry.field(
        description="Where the person lives, at most 100 characters.", metadata=checked(rules.CHECKS["location"])
    )
    first_name: strawberry.Maybe[str | None] = strawberry.field(
        description="The given name, at most 100 characters.", metadata=checked(rules.CHECKS["first_name"])
    )
    last_name: strawberry.Maybe[str | None] = strawberry.field(
        description="The surname, at most 100 characters.", metadata=checked(rules.CHECKS["last_name"])
    )
    patronymic: strawberry.Maybe[str | None] = strawberry.field(
        description="The patronymic, at most 100 characters.", metadata=checked(rules.CHECKS["patronymic"])
    )
    birth_date: strawberry.Maybe[date | None] = strawberry.field(
        description="The birth date, not before 1900. Only the person can set it.",
        metadata=checked(rules.CHECKS["birth_date"]),
    )
    phone: strawberry.Maybe[str | None] = strawberry.field(
        description="The telephone number in any usual spelling. A number without a country code is taken as "
        "Russian. Stored in E.164 format.",
        metadata=checked(rules.CHECKS["phone"]),
    )
    locale: strawberry.Maybe[str] = strawberry.field(
        description="The language of mail and messages, `ru` or `en`.", metadata=checked(rules.CHECKS["locale"])
    )
    time_zone: strawberry.Maybe[str] = strawberry.field(
        description="The IANA time zone, such as Europe/Moscow.", metadata=checked(rules.CHECKS["time_zone"])
    )
    comment: strawberry.Maybe[str | None] = strawberry.field(
        description="A remark of staff about the person, at most 2000 characters. Requires the permission `USER_EDIT`.",
        metadata=checked(rules.CHECKS["comment"]),
    )


@strawberry.type(description="The result of `updateProfile`.")
class ProfilePayload(Payload):
    user: models.User | None = strawberry.field(
        default=None,
        graphql_type=User | None,
        description="The person with the new values. Null if the mutation was refused.",
    )


@strawberry.type
class ProfileQueries:
    @query(
        description="A person, by id or by handle; give exactly one of them. Null if they do not exist or the "
        "caller cannot see them.",
        access=PUBLIC,
        graphql_type=User | None,
    )
    async def user(
        self,
        info: Info,
        id: Annotated[strawberry.ID | None, strawberry.argument(description="The id of the person.")] = None,
        handle: Annotated[str | None, strawberry.argument(description="The handle of the person, in any case.")] = None,
    ) -> Any:
        if handle is not None and id is None:
            return await info.context.loaders.load(dataloaders.people.users.by_handle, handle.lower())
        if id is not None and handle is None:
            return await info.context.loaders.load(dataloaders.people.users.by_id, ids.decode(id, "User", "id"))
        raise GiveIdOrHandle(path=("id",))


@strawberry.type
class ProfileMutations:
    @mutation(
        description="Edit the caller's profile, or anyone's with the permission `USER_EDIT`, which is audited. "
        "Emits the domain event `user.profile.updated` with the names of the changed fields, without "
        "their values.",
        access=SIGNED_IN,
        gathers=True,
        raises=[
            Forbidden,
            HandleTaken,
            InvalidHandle,
            InvalidId,
            NotFound,
            Required,
            TooLong,
            UnknownLocale,
            UnknownTimeZone,
            rules.HandleChangedRecently,
            rules.InvalidBirthDate,
            rules.InvalidPhone,
        ],
    )
    async def update_profile(self, info: Info, input: UpdateProfileInput) -> ProfilePayload:
        user_id = ids.maybe(input.user_id, "User")
        given = {name: getattr(input, name) for name in FIELDS}
        changes = {name: some.value for name, some in given.items() if some is not None}
        async with info.context.writing() as uow:
            user = await rules.update(uow, info.context.viewer, user_id=user_id, changes=changes)
        return ProfilePayload(user=user)
