"""The one GraphQL schema: every capability's root fields, added up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import strawberry
from graphql import GraphQLError, GraphQLSchema
from strawberry.schema.config import StrawberryConfig
from strawberry.schema.types.base_scalars import DateDefinition, DateTimeDefinition
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule
from strawberry.types import ExecutionContext
from strawberry.types.scalar import ScalarDefinition

from documents.documents import Documents, Prepared
from schema.booking.availability import AvailabilitySubscriptions
from schema.booking.bookings import BookingMutations
from schema.booking.registrations import RegistrationMutations
from schema.booking.staff_notes import StaffNoteMutations
from schema.chat.chats import ChatMutations, ChatQueries
from schema.chat.members import ChatMemberMutations
from schema.chat.messages import MessageMutations, MessageSubscriptions
from schema.chat.reading import ChatReadingMutations
from schema.clubs.bans import ClubBanMutations
from schema.clubs.clubs import ClubMutations, ClubQueries
from schema.clubs.membership import ClubMembershipMutations
from schema.clubs.ranks import ClubRankMutations
from schema.core.context import Info
from schema.core.error_format import present
from schema.core.metadata import graphql_schema_of
from schema.core.money import DECIMAL
from schema.core.node_queries import NodeQueries
from schema.core.preparing import Preparing
from schema.events.catalogues import CatalogueQueries
from schema.events.creation import EventCreationMutations
from schema.events.editing import EventEditingMutations
from schema.events.events import EventQueries
from schema.events.hosts import EventHostMutations
from schema.events.lifecycle import EventLifecycleMutations
from schema.events.reactivation import EventReactivationMutations
from schema.events.revisions import EventRevisionMutations
from schema.events.services import ServiceMutations, ServiceQueries
from schema.events.venues import VenueMutations, VenueQueries
from schema.moderation.queue import ModerationMutations, ModerationQueries
from schema.notifications.inbox import InboxMutations, InboxSubscriptions
from schema.notifications.preferences import NotificationPreferenceMutations
from schema.people.accounts import AccountMutations
from schema.people.credentials import CredentialMutations
from schema.people.interests import InterestMutations, InterestQueries
from schema.people.passwords import PasswordMutations
from schema.people.privacy import PrivacyMutations
from schema.people.profiles import ProfileMutations, ProfileQueries
from schema.people.provider_sign_in import ProviderSignInMutations, SignInMethodQueries
from schema.people.roles import RoleMutations
from schema.people.sessions import SessionMutations
from schema.people.signing_up import SigningUpMutations
from schema.people.viewer import ViewerQueries
from schema.privacy.account_deletion import AccountDeletionMutations
from schema.privacy.data_exports import DataExportMutations
from schema.reviews.reviews import ReviewMutations


@strawberry.type(
    description="The read operations. None of them changes anything, and root fields may be resolved in parallel."
)
class Query(
    EventQueries,
    ServiceQueries,
    VenueQueries,
    CatalogueQueries,
    ModerationQueries,
    NodeQueries,
    ViewerQueries,
    SignInMethodQueries,
    InterestQueries,
    ProfileQueries,
    ClubQueries,
    ChatQueries,
):
    pass


@strawberry.type(
    description="The write operations. Each field runs in a transaction of its own, one after the other, and answers "
    "with a payload whose `errors` lists expected refusals."
)
class Mutation(
    SigningUpMutations,
    AccountMutations,
    PasswordMutations,
    RoleMutations,
    SessionMutations,
    ProviderSignInMutations,
    CredentialMutations,
    AccountDeletionMutations,
    DataExportMutations,
    EventCreationMutations,
    EventEditingMutations,
    EventLifecycleMutations,
    EventReactivationMutations,
    EventRevisionMutations,
    EventHostMutations,
    StaffNoteMutations,
    ServiceMutations,
    VenueMutations,
    ModerationMutations,
    RegistrationMutations,
    BookingMutations,
    ReviewMutations,
    InterestMutations,
    ProfileMutations,
    PrivacyMutations,
    ClubMutations,
    ClubMembershipMutations,
    ClubBanMutations,
    ClubRankMutations,
    ChatMutations,
    ChatMemberMutations,
    ChatReadingMutations,
    MessageMutations,
    InboxMutations,
    NotificationPreferenceMutations,
):
    pass


@strawberry.type(
    description="The live streams, over WebSocket or server-sent events. Pass the `cursor` of the last entry "
    "received as `after` to resume a stream without losing entries."
)
class Subscription(AvailabilitySubscriptions, MessageSubscriptions, InboxSubscriptions):
    pass


class Schema(strawberry.Schema):
    def __init__(self, *, extensions: Sequence[Any] = (), **options: Any) -> None:
        super().__init__(extensions=[self._preparing, *extensions], **options)
        self._documents = Documents(self.graphql, (MaybeNullValidationRule, OneOfInputValidationRule))

    @property
    def graphql(self) -> GraphQLSchema:
        """The schema as graphql-core has it."""
        return graphql_schema_of(self)

    def _preparing(self) -> Preparing:
        made = Preparing()
        made.documents = self._documents
        return made

    def prepare(self, text: str) -> Prepared:
        """Return a document parsed, limited and validated, or the reasons why not. Cheap for one that came before."""
        return self._documents.prepare(text)

    def known(self, text: str) -> Prepared | None:
        """Return the same document, if it came before and was kept."""
        return self._documents.known(text)

    async def prepare_in_slices(self, text: str) -> Prepared:
        """Do the same for what is not known, without keeping everybody else waiting."""
        return await self._documents.prepare_in_slices(text)

    def process_errors(self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None) -> None:
        """Give every error its code and hide what is not meant for clients, on every transport alike."""
        self.present_errors(errors, execution_context.context if execution_context else None)

    def present_errors(self, errors: list[GraphQLError], context: Any) -> None:
        for error in errors:
            present(error, context)


DATE = replace(DateDefinition, description="A day of the calendar as ISO 8601 text, such as 2026-11-27.")
DATE_TIME = replace(
    DateTimeDefinition,
    description="A moment in time as RFC 3339 text with an offset, such as 2026-11-27T19:00:00+03:00. "
    "Values without an offset are refused.",
)
SCALARS: dict[object, ScalarDefinition] = {Decimal: DECIMAL, date: DATE, datetime: DATE_TIME}


def make_schema(extensions: list[Any] | None = None) -> Schema:
    return Schema(
        query=Query,
        mutation=Mutation,
        subscription=Subscription,
        config=StrawberryConfig(info_class=Info, disable_field_suggestions=True, scalar_map=SCALARS),
        extensions=extensions or [],
    )
