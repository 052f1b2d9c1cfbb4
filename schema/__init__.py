"""The one GraphQL schema: every capability's root fields, added up."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import strawberry
from graphql import GraphQLError
from strawberry.schema.config import StrawberryConfig
from strawberry.types import ExecutionContext

from schema.accounts import AccountMutations
from schema.availability import AvailabilitySubscriptions
from schema.bookings import BookingMutations
from schema.catalogues import CatalogueQueries
from schema.chats import ChatMutations, ChatQueries, ChatSubscriptions
from schema.club_membership import ClubMembershipMutations
from schema.clubs import ClubMutations, ClubQueries
from schema.context import Info
from schema.credentials import CredentialMutations
from schema.data_exports import DataExportMutations
from schema.documents import Documents, Prepared, Preparing
from schema.error_format import present
from schema.event_hosts import EventHostMutations
from schema.event_mutations import EventMutations
from schema.event_revisions import EventRevisionMutations
from schema.events import EventQueries
from schema.interests import InterestMutations, InterestQueries
from schema.moderation import ModerationMutations, ModerationQueries
from schema.money import DECIMAL
from schema.nodes import NodeQueries
from schema.notifications import NotificationMutations, NotificationSubscriptions
from schema.profiles import ProfileMutations, ProfileQueries
from schema.registrations import RegistrationMutations
from schema.reviews import ReviewMutations
from schema.service_mutations import ServiceMutations
from schema.services import ServiceQueries
from schema.sessions import SessionMutations
from schema.sign_in_methods import SignInMethodQueries
from schema.staff_notes import StaffNoteMutations
from schema.venues import VenueMutations, VenueQueries
from schema.viewer import ViewerQueries


@strawberry.type(description="Reading. Nothing here changes anything.")
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


@strawberry.type(description="Changing. Each field is one transaction.")
class Mutation(
    AccountMutations,
    SessionMutations,
    CredentialMutations,
    DataExportMutations,
    EventMutations,
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
    ClubMutations,
    ClubMembershipMutations,
    ChatMutations,
    NotificationMutations,
):
    pass


@strawberry.type(description="Live streams. `after` continues where an earlier one stopped.")
class Subscription(AvailabilitySubscriptions, ChatSubscriptions, NotificationSubscriptions):
    pass


class Schema(strawberry.Schema):
    def __init__(self, *, extensions: Sequence[Any] = (), **options: Any) -> None:
        super().__init__(extensions=[self._preparing, *extensions], **options)
        self._documents = Documents(self._schema)

    def _preparing(self) -> Preparing:
        made = Preparing()
        made.documents = self._documents
        return made

    def prepare(self, text: str) -> Prepared:
        """A document parsed, limited and validated, or the reasons why not. Cheap for one that came before."""
        return self._documents.prepare(text)

    def known(self, text: str) -> Prepared | None:
        """The same, if it came before and was kept."""
        return self._documents.known(text)

    async def prepare_in_slices(self, text: str) -> Prepared:
        """The same for what is not known, without keeping everybody else waiting."""
        return await self._documents.prepare_in_slices(text)

    def process_errors(self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None) -> None:
        """Give every error its code and hide what is not meant for clients, on every transport alike."""
        self.present_errors(errors, execution_context.context if execution_context else None)

    def present_errors(self, errors: list[GraphQLError], context: Any) -> None:
        for error in errors:
            present(error, context)


def make_schema(extensions: list[Any] | None = None) -> Schema:
    return Schema(
        query=Query,
        mutation=Mutation,
        subscription=Subscription,
        config=StrawberryConfig(info_class=Info, disable_field_suggestions=True, scalar_map={Decimal: DECIMAL}),
        extensions=extensions or [],
    )
