from __future__ import annotations

from datetime import datetime
from typing import Any

import strawberry

import dataloaders.accounts
import dataloaders.bookings
import dataloaders.chats
import dataloaders.clubs
import dataloaders.notifications
import dataloaders.registrations
import dataloaders.reviews
import dataloaders.users
import models
from auth.permissions import PERMISSIONS, Permission
from schema.access import PUBLIC
from schema.bookings import Booking, OwnBookingFilter
from schema.chats import Chat, ChatFilter
from schema.clubs import Club, ClubMembership, ClubMembershipFilter, MemberClubFilter
from schema.connections import Connection
from schema.context import Info
from schema.credentials import Identity
from schema.data_exports import DataExport
from schema.notifications import Notification, NotificationFilter, NotificationPreferences
from schema.profiles import Person, PrivacySettings
from schema.registrations import OwnRegistrationFilter, Registration
from schema.relations import computed, connected, facet, related
from schema.reviews import Review, ReviewFilter
from schema.roots import query
from schema.sessions import Session
from schema.users import User


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
        dataloaders.accounts.sessions_by_user_id, description="Open sessions, newest first."
    )

    identities: list[Identity] = related(
        dataloaders.accounts.identities_by_user_id,
        description="Accounts at outside providers by which one signs in, the oldest first, at most 20.",
    )
    data_exports: Connection[DataExport] = connected(
        dataloaders.accounts.data_exports_by_user_id,
        description="Copies of one's data that one has asked for within 90 days, newest first.",
    )
    has_password: bool = related(
        dataloaders.accounts.has_password_by_user_id, description="Whether one can sign in by password."
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
        dataloaders.chats.by_member_id,
        filter=ChatFilter,
        description="One's chats, the one with the newest message first.",
    )
    unread_chat_count: int = related(
        dataloaders.chats.unread_chat_count_by_member_id, description="Chats with messages that one has not read."
    )
    registrations: Connection[Registration] = connected(
        dataloaders.registrations.by_user_id,
        filter=OwnRegistrationFilter,
        sort=dataloaders.registrations.RegistrationSort.CREATED_AT_DESC,
        description="All of one's registrations, cancelled ones included, unless filtered. One's next events: `filter: "
        "{timings: [UPCOMING, ONGOING], admissions: [CONFIRMED], eventStatuses: [PUBLISHED]}, sort: STARTS_AT_ASC`.",
    )
    bookings: Connection[Booking] = connected(
        dataloaders.bookings.by_user_id,
        filter=OwnBookingFilter,
        sort=dataloaders.bookings.BookingSort.CREATED_AT_DESC,
        description="All of one's places at services, cancelled ones included, unless filtered as `registrations` are.",
    )
    reviews: Connection[Review] = connected(
        dataloaders.reviews.by_author_id,
        filter=ReviewFilter,
        description="Reviews that one has written, newest first, hidden ones included.",
    )
    clubs: Connection[Club] = connected(
        dataloaders.clubs.by_user_id,
        filter=MemberClubFilter,
        description="Clubs of which one is a member, by name.",
    )
    club_memberships: Connection[ClubMembership] = connected(
        dataloaders.clubs.own_by_user_id,
        filter=ClubMembershipFilter,
        unfiltered=ClubMembershipFilter(states=None),
        description="One's memberships, requests and invitations, newest first, in any state unless filtered.",
    )

    notifications: Connection[Notification] = connected(
        dataloaders.notifications.by_user_id,
        filter=NotificationFilter,
        unfiltered=NotificationFilter(),
        description="News for oneself, newest first.",
    )
    unread_notification_count: int = related(
        dataloaders.notifications.unread_count_by_user_id, description="Notifications that one has not read."
    )
    notification_preferences: NotificationPreferences = related(
        dataloaders.notifications.choices_by_user_id,
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
            return await info.context.loaders.load(dataloaders.users.by_id, caller.id)
        return caller.user
