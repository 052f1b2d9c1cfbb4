"""Audiences of the fields of one's profile."""

from __future__ import annotations

from typing import Any

import strawberry

import models
from auth.visibility.people import PRIVACY_DEFAULTS
from resolvers.people import privacy
from schema.core.access import SIGNED_IN
from schema.core.context import Info
from schema.core.enums import enum
from schema.core.relations import computed
from schema.core.roots import MutationInput, Payload, mutation

enum(
    models.Audience,
    "Who may read a field of a profile.",
    EVERYONE="Everyone, including guests.",
    MEMBERS="Everyone who is signed in.",
    NOBODY="Only the person, volunteers and staff.",
)


def audience_of(field: str) -> Any:
    @computed(description=f"Who may read the caller's {field}.")
    def read(root: strawberry.Parent[Any]) -> models.Audience:
        return privacy.privacy_of(root.privacy)[field]

    return read


@strawberry.type(
    description="Who may read which field of the caller's profile. Volunteers and staff can read all of them."
)
class PrivacySettings:
    bio: models.Audience = audience_of("bio")
    interests: models.Audience = audience_of("interests")
    location: models.Audience = audience_of("location")
    clubs: models.Audience = audience_of("clubs")
    registrations: models.Audience = audience_of("registrations")


@strawberry.input(description="Input of `updatePrivacySettings`. Fields that are omitted stay unchanged.")
class UpdatePrivacySettingsInput(MutationInput):
    bio: models.Audience | None = strawberry.field(default=None, description="Who may read the caller's `bio`.")
    interests: models.Audience | None = strawberry.field(
        default=None, description="Who may read the caller's `interests`."
    )
    location: models.Audience | None = strawberry.field(
        default=None, description="Who may read the caller's `location`."
    )
    clubs: models.Audience | None = strawberry.field(
        default=None,
        description="Who may read the caller's `clubs`, and see the caller among the members of a club without "
        "being a member.",
    )
    registrations: models.Audience | None = strawberry.field(
        default=None, description="Who may see the caller among the participants of an event."
    )


@strawberry.type(description="The result of `updatePrivacySettings`.")
class PrivacyPayload(Payload):
    privacy_settings: models.User | None = strawberry.field(
        default=None,
        graphql_type=PrivacySettings | None,
        description="The current settings. Null if the mutation was refused.",
    )


@strawberry.type
class PrivacyMutations:
    @mutation(
        description="Choose who may read which field of the caller's profile. The change takes effect at once, "
        "in every list.",
        access=SIGNED_IN,
    )
    async def update_privacy_settings(self, info: Info, input: UpdatePrivacySettingsInput) -> PrivacyPayload:
        given = {field: getattr(input, field) for field in PRIVACY_DEFAULTS}
        audiences = {field: audience for field, audience in given.items() if audience is not None}
        async with info.context.writing() as uow:
            user = await privacy.set_privacy(uow, info.context.viewer, audiences=audiences)
        return PrivacyPayload(privacy_settings=user)
