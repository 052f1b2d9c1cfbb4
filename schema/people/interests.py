from __future__ import annotations

from typing import Any

import strawberry

import dataloaders.people.interests
import models
from dataloaders.core.keyset_pages import Listing
from errors import InvalidId, NotFound, TooMany
from resolvers.people import interests as rules
from schema.core import ids
from schema.core.access import PUBLIC, SIGNED_IN
from schema.core.context import Info
from schema.core.filters import Filter
from schema.core.input_checks import checked
from schema.core.node_interface import Node
from schema.core.prices import SEARCHED_NAMES
from schema.core.relations import computed, reads
from schema.core.roots import MutationInput, Payload, connection, mutation
from schema.people.users import User


@strawberry.type(
    description="Something that people like. An entry of the catalogue that people, clubs and events share."
)
class Interest(Node, row=models.Interest, by_id=dataloaders.people.interests.by_id):
    slug: str = strawberry.field(description="A stable name for use in programs, such as in links.")

    @computed(description="The name in the caller's language.")
    @reads("name_ru", "name_en")
    def name(root: strawberry.Parent[Any], info: Info) -> str:
        return str(root.name_ru if info.context.locale == "ru" else root.name_en)


@strawberry.input(description="Filters the catalogue of interests.")
class InterestFilter(Filter):
    text: str | None = strawberry.field(
        default=None,
        metadata=SEARCHED_NAMES,
        description="Words to search for in names, in any language. Matches beginnings of words, and ignores "
        "case and the difference between е and ё. At most 200 characters.",
    )


@strawberry.input(description="Input of `setInterests`.")
class SetInterestsInput(MutationInput):
    interest_ids: list[strawberry.ID] = strawberry.field(
        description="The complete new list of interests, at most 50.", metadata=checked(rules.check_most)
    )


@strawberry.input(description="Input of `addInterests`.")
class AddInterestsInput(MutationInput):
    interest_ids: list[strawberry.ID] = strawberry.field(
        description="The interests to add. A person has at most 50.", metadata=checked(rules.check_most)
    )


@strawberry.input(description="Input of `removeInterests`.")
class RemoveInterestsInput(MutationInput):
    interest_ids: list[strawberry.ID] = strawberry.field(
        description="The interests to remove, at most 50.", metadata=checked(rules.check_most)
    )


@strawberry.type(description="The result of a mutation that changes the caller's interests.")
class InterestsPayload(Payload):
    user: models.User | None = strawberry.field(
        default=None,
        graphql_type=User | None,
        description="The caller with their current interests. Null if the mutation was refused.",
    )


@strawberry.type
class InterestQueries:
    @connection(
        description="The catalogue of interests, sorted by name in the caller's language.",
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
        description="Replace the caller's interests. Emits the domain event `user.interests.updated`.",
        access=SIGNED_IN,
        raises=[NotFound, TooMany, InvalidId],
    )
    async def set_interests(self, info: Info, input: SetInterestsInput) -> InterestsPayload:
        interest_ids = ids.decode_all(input.interest_ids, "Interest")
        async with info.context.writing() as uow:
            user = await rules.set_all(uow, info.context.viewer, interest_ids=interest_ids)
        return InterestsPayload(user=user)

    @mutation(
        description="Add to the caller's interests. Interests that the caller already has are left as they are.",
        access=SIGNED_IN,
        raises=[NotFound, TooMany, InvalidId],
    )
    async def add_interests(self, info: Info, input: AddInterestsInput) -> InterestsPayload:
        interest_ids = ids.decode_all(input.interest_ids, "Interest")
        async with info.context.writing() as uow:
            user = await rules.add(uow, info.context.viewer, interest_ids=interest_ids)
        return InterestsPayload(user=user)

    @mutation(
        description="Remove some of the caller's interests. Interests that the caller does not have are ignored.",
        access=SIGNED_IN,
        raises=[NotFound, TooMany, InvalidId],
    )
    async def remove_interests(self, info: Info, input: RemoveInterestsInput) -> InterestsPayload:
        interest_ids = ids.decode_all(input.interest_ids, "Interest")
        async with info.context.writing() as uow:
            user = await rules.remove(uow, info.context.viewer, interest_ids=interest_ids)
        return InterestsPayload(user=user)
