"""What a viewer may see, as SELECTs. Resolvers and loaders build on these; nobody writes the filters again."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Select,
    and_,
    exists,
    false,
    func,
    literal_column,
    or_,
    select,
    true,
    union_all,
)
from sqlalchemy.orm import aliased

from auth.permissions import Permission
from auth.viewer import Viewer
from models import (
    HOLDING,
    TAKING_PART,
    Admission,
    Audience,
    Booking,
    Chat,
    ChatMember,
    Club,
    ClubMembership,
    ClubRole,
    ClubVisibility,
    DataExport,
    Event,
    EventHost,
    EventRevision,
    EventRole,
    EventStatus,
    EventVisibility,
    Identity,
    MembershipState,
    Message,
    ModerationItem,
    Notification,
    Registration,
    Review,
    ReviewStatus,
    Service,
    Session,
    User,
)

SHOWN = (EventStatus.PUBLISHED, EventStatus.CANCELLED, EventStatus.ARCHIVED)
"""Statuses in which an event is out in the open, if it ever went out: a draft may be cancelled or archived too."""

EDITING_ROLES = (EventRole.ORGANIZER, EventRole.CO_ORGANIZER)
"""Roles at an event that may change it."""

PRIVACY_DEFAULTS = {
    "bio": Audience.EVERYONE,
    "interests": Audience.EVERYONE,
    "location": Audience.MEMBERS,
    "clubs": Audience.MEMBERS,
    "registrations": Audience.NOBODY,
}
"""Fields of a profile whose audience its owner chooses (S2-13). Contact data is never among them."""


def field_is_visible(viewer: Viewer, user: User, field: str) -> bool:
    """Whether the viewer may read a field of a profile."""
    if viewer.id == user.id or viewer.can(Permission.USER_READ_PRIVATE):
        return True
    audience = Audience(user.privacy.get(field) or PRIVACY_DEFAULTS[field].value)
    return audience is Audience.EVERYONE or (audience is Audience.MEMBERS and viewer.user is not None)


def allows_reading(viewer: Viewer, user: Any, field: str) -> ColumnElement[bool]:
    """As `field_is_visible`, for statements; `user` is the entity or an alias of it."""
    if viewer.can(Permission.USER_READ_PRIVATE):
        return true()
    audiences = [Audience.EVERYONE] if viewer.user is None else [Audience.EVERYONE, Audience.MEMBERS]
    chosen = func.coalesce(user.privacy[field].astext, PRIVACY_DEFAULTS[field].value)
    allowed: ColumnElement[bool] = chosen.in_([audience.value for audience in audiences])
    return allowed if viewer.id is None else or_(allowed, user.id == viewer.id)


def private_data_is_visible(viewer: Viewer, user: User) -> bool:
    """Full name and phone: the person and staff (vocabulary, `User`)."""
    return viewer.id == user.id or viewer.can(Permission.USER_READ_PRIVATE)


def email_is_visible(viewer: Viewer, user: User) -> bool:
    """The e-mail address, proven or not: the person and administrators (vocabulary, `User`)."""
    return viewer.id == user.id or viewer.can(Permission.USER_READ_EMAIL)


def account_is_visible(viewer: Viewer, user: User) -> bool:
    """Platform roles, and whether the account is active: the person and administrators."""
    return viewer.id == user.id or viewer.can(Permission.USER_READ_ACCOUNT)


def users_visible_to(_viewer: Viewer) -> Select[User]:
    return select(User).where(User.is_active)


def users_readable_by(viewer: Viewer) -> Select[User]:
    """As `users_visible_to`, and to administrators people who are not active, unless their account was deleted. For
    reading alone: rules build on who is visible.
    """
    if viewer.can(Permission.USER_READ_ACCOUNT):
        return select(User).where(User.deleted_at.is_(None))
    return users_visible_to(viewer)


def clubs_of(user_id: UUID | None) -> Select[UUID]:
    """Ids of the clubs of which someone is an active member."""
    return select(ClubMembership.club_id).where(
        ClubMembership.user_id == user_id, ClubMembership.state == MembershipState.ACTIVE
    )


def _club_is_visible(viewer: Viewer) -> ColumnElement[bool]:
    if viewer.is_staff:
        return true()
    if viewer.id is None:
        return Club.visibility != ClubVisibility.PRIVATE
    invited_or_member = select(ClubMembership.club_id).where(
        ClubMembership.user_id == viewer.id,
        ClubMembership.state.in_((MembershipState.ACTIVE, MembershipState.INVITED)),
    )
    return or_(Club.visibility != ClubVisibility.PRIVATE, Club.id.in_(invited_or_member))


def clubs_visible_to(viewer: Viewer) -> Select[Club]:
    return select(Club).where(_club_is_visible(viewer))


def clubs_listed_to(viewer: Viewer, *, hidden_too: bool = False) -> Select[Club]:
    """As `clubs_visible_to`, without the unlisted ones of others. Staff find hidden clubs if they ask for them."""
    if viewer.is_staff and hidden_too:
        return select(Club)
    listed: ColumnElement[bool] = Club.visibility == ClubVisibility.PUBLIC
    if viewer.id is not None:
        listed = or_(listed, Club.id.in_(clubs_of(viewer.id)))
    return select(Club).where(listed)


def memberships_visible_to(viewer: Viewer) -> Select[ClubMembership]:
    """Active members of clubs that are visible; requests and invitations only to the person and the club's hosts.

    Who hides their clubs is shown to fellow members alone. Those who run a club are always shown with it.
    """
    statement = select(ClubMembership)
    if viewer.is_staff:
        return statement
    person = aliased(User)
    in_the_open = exists().where(person.id == ClubMembership.user_id, allows_reading(viewer, person, "clubs"))
    active = and_(
        ClubMembership.state == MembershipState.ACTIVE,
        ClubMembership.club_id.in_(clubs_visible_to(viewer).with_only_columns(Club.id)),
        or_(
            ClubMembership.role != ClubRole.MEMBER,
            ClubMembership.club_id.in_(clubs_of(viewer.id)) if viewer.id else false(),
            in_the_open.correlate(ClubMembership),
        ),
    )
    if viewer.id is None:
        return statement.where(active)
    return statement.where(
        or_(active, ClubMembership.user_id == viewer.id, ClubMembership.club_id.in_(clubs_hosted_by(viewer.id)))
    )


def clubs_hosted_by(user_id: UUID) -> Select[UUID]:
    """Ids of the clubs where someone is owner, administrator or moderator."""
    return clubs_of(user_id).where(ClubMembership.role != "MEMBER")


def clubs_ruled_by(user_id: UUID) -> Select[UUID]:
    """Ids of the clubs where someone is owner or administrator. They may change every event of the club."""
    return clubs_of(user_id).where(ClubMembership.role.in_((ClubRole.OWNER, ClubRole.ADMIN)))


def hosted_by(user_id: UUID | None) -> Select[UUID]:
    """Ids of the events at which someone has a role."""
    return select(EventHost.event_id).where(EventHost.user_id == user_id)


def run_by(user_id: UUID) -> CompoundSelect[UUID]:
    """Ids of the events at which someone has a role, or all of whose club they may change."""
    of_clubs = select(Event.id).where(Event.club_id.in_(clubs_ruled_by(user_id)))
    return hosted_by(user_id).union_all(of_clubs)


def events_of(user_id: UUID) -> CompoundSelect[UUID]:
    """Ids of the events that someone runs, and of those that went out and in which they took part: of the archive this
    is theirs.
    """
    took_part = (
        select(Registration.event_id)
        .join(Event, Event.id == Registration.event_id)
        .where(Registration.user_id == user_id, Registration.admission.in_(HOLDING), SHOWN_EVENT)
    )
    return union_all(run_by(user_id), took_part)


def _edited_by(user_id: UUID) -> CompoundSelect[UUID]:
    """Ids of the events that someone may change without being staff."""
    hosting = select(EventHost.event_id).where(EventHost.user_id == user_id, EventHost.role.in_(EDITING_ROLES))
    return hosting.union_all(select(Event.id).where(Event.club_id.in_(clubs_ruled_by(user_id))))


PRIVATE = Club.visibility == literal_column(f"'{ClubVisibility.PRIVATE.name}'")
"""Written out and not as a parameter, or PostgreSQL could not tell that `ix_clubs_private` has all that is wanted."""
OF_PRIVATE_CLUB = exists().where(Club.id == Event.club_id, PRIVATE).correlate(Event)
"""For the few events that are looked up: one look at the club of each."""
AMONG_PRIVATE_CLUBS = Event.club_id.in_(select(Club.id).where(PRIVATE))
"""The same for lists, which go through many events: private clubs are read once."""


SHOWN_EVENT = and_(Event.status.in_(SHOWN), Event.published_at.is_not(None))
"""It is out in the open, or was."""


def is_deleted(entity: type[Event | Service], key: Any) -> ColumnElement[bool]:
    """Whether the event or service of this id was deleted."""
    other = aliased(entity)
    return exists().where(other.id == key, other.deleted_at.is_not(None)).correlate_except(other)


def _is_open(visibilities: Iterable[EventVisibility], of_private_club: ColumnElement[bool]) -> ColumnElement[bool]:
    """Nobody is kept from it by its visibility, or by that of its club."""
    return and_(Event.visibility.in_(tuple(visibilities)), or_(Event.club_id.is_(None), ~of_private_club))


def _open_to_all(visibilities: Iterable[EventVisibility], of_private_club: ColumnElement[bool]) -> ColumnElement[bool]:
    return and_(SHOWN_EVENT, _is_open(visibilities, of_private_club))


def _taking_part(user_id: UUID) -> Select[UUID]:
    """Ids of the events at which someone has a place, or waits for one."""
    return select(Registration.event_id).where(Registration.user_id == user_id, Registration.admission.in_(TAKING_PART))


def _events(
    viewer: Viewer, visibilities: Iterable[EventVisibility], of_private_club: ColumnElement[bool]
) -> ColumnElement[bool]:
    if viewer.is_staff:
        return Event.deleted_at.is_(None)
    return _open_or_own(viewer, _open_to_all(visibilities, of_private_club))


def _open_or_own(viewer: Viewer, open_to_all: ColumnElement[bool]) -> ColumnElement[bool]:
    """What is open to all, and what is the viewer's own by a role, a club or a registration."""
    is_there = Event.deleted_at.is_(None)
    if viewer.id is None:
        return and_(is_there, open_to_all)
    return and_(
        is_there,
        or_(
            open_to_all,
            and_(SHOWN_EVENT, Event.club_id.in_(clubs_of(viewer.id))),
            and_(SHOWN_EVENT, Event.id.in_(_taking_part(viewer.id))),
            Event.club_id.in_(clubs_ruled_by(viewer.id)),
            Event.id.in_(hosted_by(viewer.id)),
        ),
    )


OPENED = (EventVisibility.PUBLIC, EventVisibility.UNLISTED)


def event_is_visible(viewer: Viewer) -> ColumnElement[bool]:
    """Of an `Event`: whether the viewer may open it, given a link."""
    return _events(viewer, OPENED, OF_PRIVATE_CLUB)


def events_visible_to(viewer: Viewer) -> Select[Event]:
    """Events that the viewer may open, given a link."""
    return select(Event).where(event_is_visible(viewer))


def events_listed_to(viewer: Viewer, *, never_out_too: bool = False, hidden_too: bool = False) -> Select[Event]:
    """Events that lists and search show: without the unlisted ones of others.

    Staff, who may open every event, are shown what everyone is and what is their own. Of others' they find those that
    never went out, such as drafts, and those that are hidden, if they ask for them.
    """
    is_open = _is_open((EventVisibility.PUBLIC,), AMONG_PRIVATE_CLUBS)
    if viewer.is_staff and never_out_too and hidden_too:
        return select(Event).where(Event.deleted_at.is_(None))
    if viewer.is_staff and never_out_too:
        return select(Event).where(_open_or_own(viewer, is_open))
    return select(Event).where(
        _open_or_own(viewer, SHOWN_EVENT if viewer.is_staff and hidden_too else and_(SHOWN_EVENT, is_open))
    )


def events_readable_by(viewer: Viewer) -> Select[Event]:
    """As `events_visible_to`, and records: deleted events that the viewer was registered for. For reading alone: rules
    build on what is visible.

    Who has given their place back reads it unless it belonged to a club.
    """
    visible = _events(viewer, OPENED, OF_PRIVATE_CLUB)
    if viewer.id is None:
        return select(Event).where(visible)
    own = exists().where(
        Registration.event_id == Event.id,
        Registration.user_id == viewer.id,
        Registration.admission != Admission.REJECTED,
        or_(
            Registration.admission.in_(TAKING_PART),
            and_(Event.club_id.is_(None), Event.visibility.in_(OPENED)),
        ),
    )
    record = and_(Event.deleted_at.is_not(None), SHOWN_EVENT, own.correlate(Event))
    return select(Event).where(or_(visible, record))


def services_visible_to(viewer: Viewer) -> Select[Service]:
    visible = events_visible_to(viewer).with_only_columns(Event.id)
    return select(Service).where(Service.deleted_at.is_(None), Service.event_id.in_(visible))


def services_readable_by(viewer: Viewer) -> Select[Service]:
    """As `services_visible_to`, and records: deleted services that the viewer had booked. See `events_readable_by`."""
    within = Service.event_id.in_(events_readable_by(viewer).with_only_columns(Event.id))
    there: ColumnElement[bool] = Service.deleted_at.is_(None)
    if viewer.id is not None:
        there = or_(there, Service.id.in_(select(Booking.service_id).where(Booking.user_id == viewer.id)))
    return select(Service).where(there, within)


def registrations_visible_to(viewer: Viewer) -> Select[Registration]:
    """One's own; besides, of events that were not deleted, those of events that one hosts or whose club one rules, and
    all for staff and volunteers.
    """
    is_there = ~is_deleted(Event, Registration.event_id)
    return select(Registration).where(_own_or_of_guests(viewer, Registration, is_there))


def bookings_visible_to(viewer: Viewer) -> Select[Booking]:
    """As `registrations_visible_to`."""
    is_there = and_(~is_deleted(Event, Booking.event_id), ~is_deleted(Service, Booking.service_id))
    return select(Booking).where(_own_or_of_guests(viewer, Booking, is_there))


def all_bookings_are_visible(viewer: Viewer) -> bool:
    """Whether someone reads the registrations and bookings of everyone: staff and volunteers."""
    return viewer.is_staff or viewer.can(Permission.REGISTER_OTHERS)


def _own_or_of_guests(viewer: Viewer, row: Any, is_there: ColumnElement[bool]) -> ColumnElement[bool]:
    """Whether someone reads a registration or a booking."""
    if viewer.id is None:
        return false()
    if all_bookings_are_visible(viewer):
        return or_(row.user_id == viewer.id, is_there)
    return or_(row.user_id == viewer.id, and_(is_there, row.event_id.in_(run_by(viewer.id))))


def reviews_visible_to(viewer: Viewer) -> Select[Review]:
    """Published reviews of events that the viewer reads; hidden ones to their author and moderators."""
    readable = Review.event_id.in_(events_readable_by(viewer).with_only_columns(Event.id))
    statement = select(Review).where(readable)
    if viewer.can(Permission.REVIEW_MODERATE):
        return statement
    published: ColumnElement[bool] = Review.status == ReviewStatus.PUBLISHED
    if viewer.id is not None:
        published = or_(published, Review.author_id == viewer.id)
    return statement.where(published)


def chats_of(viewer: Viewer) -> Select[Chat]:
    """Chats of which the viewer is a member now. Staff have no way around this: a chat is private."""
    return select(Chat).join(
        ChatMember,
        and_(ChatMember.chat_id == Chat.id, ChatMember.user_id == viewer.id, ChatMember.left_at.is_(None)),
    )


def messages_visible_to(viewer: Viewer, chat_id: Any = Message.chat_id) -> Select[Message]:
    """Messages since the viewer joined, in chats of which they are a member now (S0-72).

    `chat_id` is a column with the chat that they will be looked for in: found once, the place where the viewer joined
    bounds the reading of an index.
    """
    joined_at = select(ChatMember.joined_sequence).where(
        ChatMember.chat_id == chat_id, ChatMember.user_id == viewer.id, ChatMember.left_at.is_(None)
    )
    return select(Message).where(Message.sequence > joined_at.correlate_except(ChatMember).scalar_subquery())


def notifications_of(viewer: Viewer) -> Select[Notification]:
    return select(Notification).where(Notification.user_id == viewer.id)


def data_exports_of(viewer: Viewer) -> Select[DataExport]:
    return select(DataExport).where(DataExport.user_id == viewer.id)


def identities_of(viewer: Viewer) -> Select[Identity]:
    return select(Identity).where(Identity.user_id == viewer.id)


def sessions_of(viewer: Viewer) -> Select[Session]:
    return select(Session).where(Session.user_id == viewer.id)


def event_revisions_visible_to(viewer: Viewer) -> Select[EventRevision]:
    """Everything for moderators; to others their own, and those of events that they may change."""
    statement = select(EventRevision)
    if viewer.can(Permission.EVENT_MODERATE):
        return statement
    if viewer.id is None:
        return statement.where(false())
    own = select(ModerationItem.revision_id).where(ModerationItem.submitted_by_id == viewer.id)
    return statement.where(or_(EventRevision.id.in_(own), EventRevision.event_id.in_(_edited_by(viewer.id))))


def moderation_items_visible_to(viewer: Viewer) -> Select[ModerationItem]:
    """Everything for moderators; one's own submissions otherwise."""
    statement = select(ModerationItem)
    if viewer.can(Permission.EVENT_MODERATE):
        return statement
    return statement.where(ModerationItem.submitted_by_id == viewer.id if viewer.id else false())
