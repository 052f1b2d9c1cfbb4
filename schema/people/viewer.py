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
from schema.core.connections import Connection
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


@strawberry.type(description="The signed-in user as seen by themself.")
class Viewer:
    user: User = facet(User, description="One's public face.")
    profile: User = facet(User, description="As `user`: what others may see of oneself.")
    person: Person = facet(Person, description="Names, birth date and contact, which others do not see.")
    privacy_settings: PrivacySettings = facet(PrivacySettings, description="Who may read which field of one's profile.")
    role: models.Role = strawberry.field(description="One's platform role.")
    locale: str = strawberry.field(description="Language of mail, and of messages without Accept-Language.")
    time_zone: str = strawberry.field(description="IANA zone.")
    sessions: Connection[Session] = connected(
        dataloaders.people.sessions.sessions_by_user_id, description="Open sessions, newest first."
    )

    identities: list[Identity] = related(
        dataloaders.people.provider_sign_in.identities_by_user_id,
        description="Accounts at outside providers by which one signs in, the oldest first, at most 20.",
    )
    data_exports: Connection[DataExport] = connected(
        dataloaders.privacy.data_exports.data_exports_by_user_id,
        description="Copies of one's data that one has asked for within 90 days, newest first.",
    )
    has_password: bool = related(
        dataloaders.people.passwords.has_password_by_user_id, description="Whether one can sign in by password."
    )

    deletion_at: datetime | None = strawberry.field(
        description="When one's account is deleted, as one has asked by `deleteAccount`; null where it stays."
    )

    @computed(description="Address for mail, its domain in ASCII; for sign-in too once it is proven.")
    def email(root: strawberry.Parent[Any]) -> str | None:
        return root.email or root.claimed_email  # type: ignore[no-any-return]  # the parent is a row

    @computed(description="Whether one has opened the link that was sent there.")
    def is_email_verified(root: strawberry.Parent[Any]) -> bool:
        return root.is_email_verified  # type: ignore[no-any-return]  # the parent is a row

    @computed(description="An address that one has asked for and not proven yet, beside the one that counts.")
    def claimed_email(root: strawberry.Parent[Any]) -> str | None:
        return root.claimed_email if root.email else None

    @computed(description="All that one may do, by platform role. Roles in clubs and at events come on top.")
    def permissions(root: strawberry.Parent[Any]) -> list[Permission]:
        return sorted(PERMISSIONS[root.role], key=lambda permission: permission.value)

    chats: Connection[Chat] = connected(
        dataloaders.chat.chats.by_member_id,
        filter=ChatFilter,
        description="One's chats, the one with the newest message first.",
    )
    unread_chat_count: int = related(
        dataloaders.chat.reading.unread_chat_count_by_member_id,
        description="Chats with messages that one has not read.",
    )
    registrations: Connection[Registration] = connected(
        dataloaders.booking.registrations.by_user_id,
        filter=OwnRegistrationFilter,
        sort=dataloaders.booking.registrations.RegistrationSort.CREATED_AT_DESC,
        description="All of one's registrations, cancelled ones included, unless filtered. One's next events: `filter: "
        "{timings: [UPCOMING, ONGOING], admissions: [CONFIRMED], eventStatuses: [PUBLISHED]}, sort: STARTS_AT_ASC`.",
    )
    bookings: Connection[Booking] = connected(
        dataloaders.booking.bookings.by_user_id,
        filter=OwnBookingFilter,
        sort=dataloaders.booking.bookings.BookingSort.CREATED_AT_DESC,
        description="All of one's places at services, cancelled ones included, unless filtered as `registrations` are.",
    )
    reviews: Connection[Review] = connected(
        dataloaders.reviews.reviews.by_author_id,
        filter=ReviewFilter,
        description="Reviews that one has written, newest first, hidden ones included.",
    )
    clubs: Connection[Club] = connected(
        dataloaders.clubs.clubs.by_user_id,
        filter=MemberClubFilter,
        description="Clubs of which one is a member, by name.",
    )
    club_memberships: Connection[ClubMembership] = connected(
        dataloaders.clubs.membership.own_by_user_id,
        filter=ClubMembershipFilter,
        unfiltered=ClubMembershipFilter(states=None),
        description="One's memberships, requests and invitations, newest first, in any state unless filtered.",
    )

    notifications: Connection[Notification] = connected(
        dataloaders.notifications.notifications.by_user_id,
        filter=NotificationFilter,
        unfiltered=NotificationFilter(),
        description="News for oneself, newest first.",
    )
    unread_notification_count: int = related(
        dataloaders.notifications.inbox.unread_count_by_user_id,
        description="Notifications that one has not read.",
    )
    notification_preferences: NotificationPreferences = related(
        dataloaders.notifications.preferences.choices_by_user_id,
        hidden={},
        description="What one is told of, and where.",
    )


@strawberry.type
class ViewerQueries:
    @query(description="The caller; null for a guest.", access=PUBLIC, graphql_type=Viewer | None)
    async def viewer(self, info: Info) -> Any:
        caller = info.context.viewer
        if info.context.is_socket and caller.id is not None:
            # The row of the context is as old as the socket.
            return await info.context.loaders.load(dataloaders.people.users.by_id, caller.id)
        return caller.user
