"""What the viewer is to events, clubs and chats, as columns: what gates of mutations ask, for many rows at once.

The rules themselves are in `resolvers/`. They are given these columns by a statement for one row, when a mutation asks,
and by a batch for a level of rows, when `viewerCan` does.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, func, select

from auth.fellowship import others_written_to
from auth.viewer import Viewer
from auth.visibility import event_is_visible, is_deleted, messages_visible_to
from dataloaders.base import value
from dataloaders.chats import unread
from dataloaders.registrations import standing_of
from models import (
    Booking,
    Chat,
    ChatMember,
    ClubMembership,
    ClubRole,
    Event,
    EventHost,
    EventRevision,
    EventRole,
    MembershipState,
    Message,
    ModerationItem,
    ModerationState,
    Registration,
    Review,
    Service,
)


def roles_at(viewer: Viewer, event: Any = Event) -> list[Any]:
    """The viewer's role at an event, and the one in its club while they are a member there."""
    at_event = select(EventHost.role).where(EventHost.event_id == event.id, EventHost.user_id == viewer.id)
    in_club = select(ClubMembership.role).where(
        ClubMembership.club_id == event.club_id,
        ClubMembership.user_id == viewer.id,
        ClubMembership.state == MembershipState.ACTIVE,
    )
    return [
        at_event.correlate_except(EventHost).scalar_subquery().label("host_role"),
        in_club.correlate_except(ClubMembership).scalar_subquery().label("club_role"),
    ]


def other_organizers(user_id: Any, event: Any = Event) -> Any:
    """Whether an event has another organizer than this person."""
    others = select(EventHost.user_id).where(
        EventHost.event_id == event.id, EventHost.role == EventRole.ORGANIZER, EventHost.user_id != user_id
    )
    return others.correlate_except(EventHost).exists()


def has_crew() -> Any:
    """Whether an event has co-organizers or staff."""
    crew = select(EventHost.user_id).where(EventHost.event_id == Event.id, EventHost.role != EventRole.ORGANIZER)
    return crew.correlate_except(EventHost).exists()


def at_events(viewer: Viewer) -> Select[Any]:
    own = select(Registration.attendance).where(Registration.event_id == Event.id, Registration.user_id == viewer.id)
    reviewed = select(Review.id).where(Review.event_id == Event.id, Review.author_id == viewer.id)
    waiting = (
        select(EventRevision.id)
        .join(ModerationItem, ModerationItem.revision_id == EventRevision.id)
        .where(EventRevision.event_id == Event.id, ModerationItem.state == ModerationState.PENDING)
    )
    return select(
        Event.id,
        *roles_at(viewer),
        *standing_of(viewer),
        own.correlate(Event).scalar_subquery().label("attendance"),
        other_organizers(viewer.id).label("has_other_organizer"),
        has_crew().label("has_crew"),
        reviewed.correlate(Event).exists().label("has_reviewed"),
        waiting.correlate(Event).exists().label("has_pending_revision"),
    )


def roles(viewer: Viewer) -> Select[Any]:
    return select(Event.id, *roles_at(viewer))


OF_EVENT = [Event.ends_at.label("ends_at"), Event.time_zone.label("time_zone"), Event.deleted_at.label("deleted_at")]


def at_registrations(viewer: Viewer) -> Select[Any]:
    """What of its event matters to a registration, also where the viewer does not see the event."""
    of_person = select(EventHost.role).where(
        EventHost.event_id == Registration.event_id, EventHost.user_id == Registration.user_id
    )
    columns = [
        Registration.id,
        *roles_at(viewer),
        *OF_EVENT,
        event_is_visible(viewer).label("is_visible"),
        of_person.correlate(Registration).scalar_subquery().label("person_role"),
    ]
    return select(*columns).join(Event, Event.id == Registration.event_id)


def at_bookings(viewer: Viewer) -> Select[Any]:
    of_service = [Service.ends_at.label("service_ends_at"), Service.deleted_at.label("service_deleted_at")]
    return (
        select(Booking.id, *roles_at(viewer), *OF_EVENT, *of_service)
        .join(Service, Service.id == Booking.service_id)
        .join(Event, Event.id == Booking.event_id)
    )


def owner_counts(_viewer: Viewer) -> Any:
    """Clubs keep an owner."""
    owning = (ClubMembership.role == ClubRole.OWNER, ClubMembership.state == MembershipState.ACTIVE)
    return select(ClubMembership.club_id, func.count()).where(*owning).group_by(ClubMembership.club_id)


def writing_to(viewer: Viewer) -> list[Any]:
    """Of a chat, what it depends on whether a member may write to it: see `resolvers.messages.refusal_to_write`."""
    return [
        Chat.kind.label("kind"),
        is_deleted(Event, Chat.event_id).label("is_record"),
        others_written_to(viewer, needs_fellowship=True).correlate(Chat).exists().label("has_fellow"),
        others_written_to(viewer, needs_fellowship=False).correlate(Chat).exists().label("has_other"),
    ]


def in_chats(viewer: Viewer) -> Select[Any]:
    """For who is or was in it."""
    return (
        select(
            ChatMember.chat_id,
            ChatMember.left_at.is_(None).label("is_present"),
            (unread() > 0).label("has_unread"),
            *writing_to(viewer),
        )
        .join(Chat, Chat.id == ChatMember.chat_id)
        .where(ChatMember.user_id == viewer.id)
    )


def unread_messages(viewer: Viewer) -> Any:
    """Whether those that one sees lie beyond one's read marker."""
    marker = select(ChatMember.read_sequence).where(
        ChatMember.chat_id == Message.chat_id, ChatMember.user_id == viewer.id
    )
    is_unread = Message.sequence > marker.correlate_except(ChatMember).scalar_subquery()
    return messages_visible_to(viewer).with_only_columns(Message.id, is_unread)


by_event_id = value(key=Event.id, select=at_events)
roles_by_event_id = value(key=Event.id, select=roles)
by_registration_id = value(key=Registration.id, select=at_registrations)
by_booking_id = value(key=Booking.id, select=at_bookings)
owner_count_by_club_id = value(key=ClubMembership.club_id, select=owner_counts, default=0)
by_chat_id = value(key=ChatMember.chat_id, select=in_chats)
is_unread_by_message_id = value(key=Message.id, select=unread_messages, default=False)
