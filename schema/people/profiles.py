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


@strawberry.type(description="What the person alone and staff know of a person: names, birth date, contact.")
class Person:
    first_name: str | None = strawberry.field(description="Given name.")
    last_name: str | None = strawberry.field(description="Surname.")
    patronymic: str | None = strawberry.field(description="Patronymic.")
    full_name: str | None = strawberry.field(description="Surname, given name, patronymic.")
    birth_date: date | None = strawberry.field(description="Read by nobody else.")
    phone: str | None = strawberry.field(description="In E.164.")
    locale: str = strawberry.field(description="Language of mail and messages: ru or en.")
    time_zone: str = strawberry.field(description="IANA name.")


@strawberry.input(description="Changes of a profile. A field that is left out stays; null empties it.")
class UpdateProfileInput(MutationInput):
    user_id: strawberry.ID | None = strawberry.field(
        default=None, description="Someone else's profile; needs the permission `USER_EDIT`. One's own if left out."
    )
    handle: strawberry.Maybe[str] = strawberry.field(
        description="3 to 50 Latin letters, digits, dots, dashes or underscores. Once in 30 days.",
        metadata=checked(rules.CHECKS["handle"]),
    )
    display_name: strawberry.Maybe[str | None] = strawberry.field(
        description="1 to 100 characters.", metadata=checked(rules.CHECKS["display_name"])
    )
    bio: strawberry.Maybe[str | None] = strawberry.field(
        description="At most 2000 characters.", metadata=checked(rules.CHECKS["bio"])
    )
    location: strawberry.Maybe[str | None] = strawberry.field(
        description="At most 100 characters.", metadata=checked(rules.CHECKS["location"])
    )
    first_name: strawberry.Maybe[str | None] = strawberry.field(
        description="At most 100 characters.", metadata=checked(rules.CHECKS["first_name"])
    )
    last_name: strawberry.Maybe[str | None] = strawberry.field(
        description="At most 100 characters.", metadata=checked(rules.CHECKS["last_name"])
    )
    patronymic: strawberry.Maybe[str | None] = strawberry.field(
        description="At most 100 characters.", metadata=checked(rules.CHECKS["patronymic"])
    )
    birth_date: strawberry.Maybe[date | None] = strawberry.field(
        description="From 1900 on. Only of oneself.", metadata=checked(rules.CHECKS["birth_date"])
    )
    phone: strawberry.Maybe[str | None] = strawberry.field(
        description="Any usual spelling; a number without country code is Russian. Kept in E.164.",
        metadata=checked(rules.CHECKS["phone"]),
    )
    locale: strawberry.Maybe[str] = strawberry.field(description="ru or en.", metadata=checked(rules.CHECKS["locale"]))
    time_zone: strawberry.Maybe[str] = strawberry.field(
        description="IANA name, such as Europe/Moscow.", metadata=checked(rules.CHECKS["time_zone"])
    )
    comment: strawberry.Maybe[str | None] = strawberry.field(
        description="A remark of staff, at most 2000 characters; needs the permission `USER_EDIT`.",
        metadata=checked(rules.CHECKS["comment"]),
    )


@strawberry.type(description="What a change of a profile answers.")
class ProfilePayload(Payload):
    user: models.User | None = strawberry.field(
        default=None, graphql_type=User | None, description="The person, with the new values."
    )


@strawberry.type
class ProfileQueries:
    @query(
        description="A person by id or by handle, exactly one of them; null when missing.",
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
        description="Change a profile: one's own, or anyone's with the permission `USER_EDIT`, which is audited. "
        "Recorded as `user.profile.updated`, naming the changed fields without their values.",
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
