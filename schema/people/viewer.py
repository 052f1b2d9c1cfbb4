from __future__ import annotations

from datetime import datetime
from typing import Any

import strawberry

import dataloaders.booking.bookings
import dataloaders.booking.registrations
import dataloaders.chat.chats
import dataloaders.chat.reading
import dataloaders.clubs.clubs
import dataloaders.clubs.membership
import dataloaders.notifications.inbox
import dataloaders.notifications.notifications
import dataloaders.notifications.preferences
import dataloaders.people.passwords
import dataloaders.people.provider_sign_in
import dataloaders.people.sessions
import dataloaders.people.users
import dataloaders.privacy.data_exports
import dataloaders.reviews.reviews
import models
from auth.permissions import PERMISSIONS, Permission
from schema.booking.bookings import Booking, OwnBookingFilter
from schema.booking.registrations import OwnRegistrationFilter, Registration
from schema.chat.chats import Chat, ChatFilter
from schema.clubs.clubs import Club, MemberClubFilter
from schema.clubs.membership import ClubMembership, ClubMembershipFilter
from schema.core.access import PUBLIC
from schema.core.connection_types import Connection
from schema.core.context import Info
from schema.core.relations import computed, connected, facet, related
from schema.core.roots import query
from schema.notifications.notifications import Notification, NotificationFilter
from schema.notifications.preferences import NotificationPreferences
from schema.people.privacy import PrivacySettings
from schema.people.profiles import Person
from schema.people.provider_sign_in import Identity
from schema.people.sessions import Session
from schema.people.users import User
from schema.privacy.data_exports import DataExport
from schema.reviews.reviews import Review, ReviewFilter


@strawberry.type(description="The signed-in person with their private data, and everything that belongs to them.")
class Viewer:
    user: User = facet(User, description="The person as a `User`, with every field that they may read.")
    profile: User = facet(User, description="The same person as `user`.")
    person: Person = facet(Person, description="The caller's private data: names, birth date and contact.")
    privacy_settings: PrivacySettings = facet(
        PrivacySettings, description="Who may read which field of the caller's profile."
    )
    role: models.Role = strawberry.field(description="The caller's platform role.")
    locale: str = strawberry.field(
        description="The language of mail, and of messages if a request has no Accept-Language header: `ru` or `en`."
    )
    time_zone: str = strawberry.field(description="The IANA time zone, such as Europe/Moscow.")
    sessions: Connection[Session] = connected(
        dataloaders.people.sessions.sessions_by_user_id, description="The caller's open sessions, newest first."
    )

    identities: list[Identity] = related(
        dataloaders.people.provider_sign_in.identities_by_user_id,
        description="The accounts at outside providers with which the caller signs in, oldest first, at most 20.",
    )
    data_exports: Connection[DataExport] = connected(
        dataloaders.privacy.data_exports.data_exports_by_user_id,
        description="The copies of the caller's data that were requested in the last 90 days, newest first.",
    )
    has_password: bool = related(
        dataloaders.people.passwords.has_password_by_user_id,
        description="Whether the caller can sign in with a password.",
    )

    deletion_at: datetime | None = strawberry.field(
        description="When the caller's account will be deleted, as scheduled by `deleteAccount`. Null if no "
        "deletion is scheduled."
    )

    @computed(
        description="The e-mail address that mail goes to, with its domain in ASCII. Once verified, it also works "
        "for signing in."
    )
    def email(root: strawberry.Parent[Any]) -> str | None:
        return root.email or root.claimed_email  # type: ignore[no-any-return]  # the parent is a row

    @computed(description="Whether the caller has opened the link that was sent to `email`.")
    def is_email_verified(root: strawberry.Parent[Any]) -> bool:
        return root.is_email_verified  # type: ignore[no-any-return]  # the parent is a row

    @computed(
        description="A new e-mail address that the caller has asked for and not verified yet. `email` stays in use "
        "until then."
    )
    def claimed_email(root: strawberry.Parent[Any]) -> str | None:
        return root.claimed_email if root.email else None

    @computed(
        description="Everything that the caller's platform role permits. Roles in clubs and at events permit more."
    )
    def permissions(root: strawberry.Parent[Any]) -> list[Permission]:
        return sorted(PERMISSIONS[root.role], key=lambda permission: permission.value)

    chats: Connection[Chat] = connected(
        dataloaders.chat.chats.by_member_id,
        filter=ChatFilter,
        description="The caller's chats, the one with the newest message first.",
    )
    unread_chat_count: int = related(
        dataloaders.chat.reading.unread_chat_count_by_member_id,
        description="The number of chats with messages that the caller has not read.",
    )
    registrations: Connection[Registration] = connected(
        dataloaders.booking.registrations.by_user_id,
        filter=OwnRegistrationFilter,
        sort=dataloaders.booking.registrations.RegistrationSort.CREATED_AT_DESC,
        description="The caller's registrations, including cancelled ones. To list upcoming events, use `filter: "
        "{timings: [UPCOMING, ONGOING], admissions: [CONFIRMED], eventStatuses: [PUBLISHED]}, sort: "
        "STARTS_AT_ASC`.",
    )
    bookings: Connection[Booking] = connected(
        dataloaders.booking.bookings.by_user_id,
        filter=OwnBookingFilter,
        sort=dataloaders.booking.bookings.BookingSort.CREATED_AT_DESC,
        description="The caller's bookings of services, including cancelled ones. The filter works like that of "
        "`registrations`.",
    )
    reviews: Connection[Review] = connected(
        dataloaders.reviews.reviews.by_author_id,
        filter=ReviewFilter,
        description="The reviews that the caller has written, newest first, including hidden ones.",
    )
    clubs: Connection[Club] = connected(
        dataloaders.clubs.clubs.by_user_id,
        filter=MemberClubFilter,
        description="The clubs that the caller is a member of, sorted by name.",
    )
    club_memberships: Connection[ClubMembership] = connected(
        dataloaders.clubs.membership.own_by_user_id,
        filter=ClubMembershipFilter,
        unfiltered=ClubMembershipFilter(states=None),
        description="The caller's memberships, requests and invitations in any state, newest first.",
    )

    notifications: Connection[Notification] = connected(
        dataloaders.notifications.notifications.by_user_id,
        filter=NotificationFilter,
        unfiltered=NotificationFilter(),
        description="The caller's notifications, newest first.",
    )
    unread_notification_count: int = related(
        dataloaders.notifications.inbox.unread_count_by_user_id,
        description="The number of notifications that the caller has not read.",
    )
    notification_preferences: NotificationPreferences = related(
        dataloaders.notifications.preferences.choices_by_user_id,
        hidden={},
        description="Which notifications reach the caller, and through which channels.",
    )


@strawberry.type
class ViewerQueries:
    @query(description="The signed-in person. Null for guests.", access=PUBLIC, graphql_type=Viewer | None)
    async def viewer(self, info: Info) -> Any:
        caller = info.context.viewer
        if info.context.is_socket and caller.id is not None:
            # The row of the context is as old as the socket.
            return await info.context.loaders.load(dataloaders.people.users.by_id, caller.id)
        return caller.user
