from __future__ import annotations

from typing import Any

import strawberry

import dataloaders.people.interests
import models
from dataloaders.core.pages import Listing
from errors import InvalidId, NotFound, TooMany
from resolvers.people import interests as rules
from schema.core import ids
from schema.core.access import PUBLIC, SIGNED_IN
from schema.core.context import Info
from schema.core.filters import Filter
from schema.core.input_checks import checked
from schema.core.node import Node
from schema.core.prices import SEARCHED_NAMES
from schema.core.relations import computed, reads
from schema.core.roots import MutationInput, Payload, connection, mutation
from schema.people.users import User


@strawberry.type(description="Something people like. From one catalogue, shared by people, clubs and events.")
class Interest(Node, row=models.Interest, by_id=dataloaders.people.interests.by_id):
    slug: str = strawberry.field(description="Stable name for programs.")

    @computed(description="Name in the reader's language.")
    @reads("name_ru", "name_en")
    def name(root: strawberry.Parent[Any], info: Info) -> str:
        return str(root.name_ru if info.context.locale == "ru" else root.name_en)


@strawberry.input(description="Narrows the catalogue of interests.")
class InterestFilter(Filter):
    text: str | None = strawberry.field(
        default=None,
        metadata=SEARCHED_NAMES,
        description="Words of a name in any language, also unfinished ones; case and ё do not matter. At most 200 "
        "characters.",
    )


@strawberry.input(description="Interests for `setInterests`.")
class SetInterestsInput(MutationInput):
    interest_ids: list[strawberry.ID] = strawberry.field(
        description="All of one's interests from now on, at most 50.", metadata=checked(rules.check_most)
    )


@strawberry.input(description="Interests for `addInterests`.")
class AddInterestsInput(MutationInput):
    interest_ids: list[strawberry.ID] = strawberry.field(
        description="Interests to add. A person has at most 50.", metadata=checked(rules.check_most)
    )


@strawberry.input(description="Interests for `removeInterests`.")
class RemoveInterestsInput(MutationInput):
    interest_ids: list[strawberry.ID] = strawberry.field(
        description="Interests to take away, at most 50.", metadata=checked(rules.check_most)
    )


@strawberry.type(description="What a change of one's interests answers.")
class InterestsPayload(Payload):
    user: models.User | None = strawberry.field(
        default=None, graphql_type=User | None, description="The caller, with the interests they have now."
    )


@strawberry.type
class InterestQueries:
    @connection(
        description="The catalogue of interests, by name in the reader's language.",
        access=PUBLIC,
        of=Interest,
    )
    def interests(
        self,
        info: Info,
        filter: InterestFilter | None = None,
    ) -> Listing:
        return rules.listing(text=filter.text if filter else None, locale=info.context.locale)


@strawberry.type
class InterestMutations:
    @mutation(
        description="Make one's interests exactly these. Recorded as `user.interests.updated`.",
        access=SIGNED_IN,
        raises=[NotFound, TooMany, InvalidId],
    )
    async def set_interests(self, info: Info, input: SetInterestsInput) -> InterestsPayload:
        interest_ids = ids.decode_all(input.interest_ids, "Interest")
        async with info.context.writing() as uow:
            user = await rules.set_all(uow, info.context.viewer, interest_ids=interest_ids)
        return InterestsPayload(user=user)

    @mutation(
        description="Add to one's interests; those one has already are left as they are.",
        access=SIGNED_IN,
        raises=[NotFound, TooMany, InvalidId],
    )
    async def add_interests(self, info: Info, input: AddInterestsInput) -> InterestsPayload:
        interest_ids = ids.decode_all(input.interest_ids, "Interest")
        async with info.context.writing() as uow:
            user = await rules.add(uow, info.context.viewer, interest_ids=interest_ids)
        return InterestsPayload(user=user)

    @mutation(
        description="Take away some of one's interests; those one does not have are passed over.",
        access=SIGNED_IN,
        raises=[NotFound, TooMany, InvalidId],
    )
    async def remove_interests(self, info: Info, input: RemoveInterestsInput) -> InterestsPayload:
        interest_ids = ids.decode_all(input.interest_ids, "Interest")
        async with info.context.writing() as uow:
            user = await rules.remove(uow, info.context.viewer, interest_ids=interest_ids)
        return InterestsPayload(user=user)
