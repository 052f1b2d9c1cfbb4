from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import strawberry

import dataloaders.notifications.notifications
import dataloaders.people.users
import models
from resolvers.core.money import Price
from resolvers.notifications.words import Change, ChangedField, changes_of, is_withdrawn, words_of
from schema.chat.chats import Chat
from schema.clubs.clubs import Club
from schema.core.context import Info
from schema.core.enums import enum
from schema.core.filters import ALL_HOLD, Filter
from schema.core.money import Money, two_places
from schema.core.node_interface import Node
from schema.core.relations import computed, reads, related, related_one_of
from schema.core.streams import cursor_of
from schema.events.events import Event
from schema.events.services import Service
from schema.people.users import User

if TYPE_CHECKING:
    from schema.people.viewer import Viewer

LazyViewer = Annotated["Viewer", strawberry.lazy("schema.people.viewer")]

enum(
    models.NotificationType,
    'The kind of a notification. New values may be added at any time. "You" is the recipient.',
    REGISTRATION_CONFIRMED="You are registered for an event.",
    REGISTRATION_CANCELLED="Your registration was cancelled.",
    REGISTRATION_REMOVED="You were removed from an event.",
    REGISTRATION_BAN_LIFTED="You may take part in an event again.",
    BOOKING_CANCELLED="Someone else cancelled your booking at a service. You still have other bookings at the event.",
    PARTICIPANT_JOINED="Someone registered for your event.",
    EVENT_CHANGED="An event that you take part in has a new time, place, title or price.",
    EVENT_CANCELLED="An event that you take part in was cancelled.",
    EVENT_REACTIVATED="A cancelled event at which you had a place takes place after all.",
    EVENT_REPEATED="An event that you took part in is held again.",
    SERVICE_CHANGED="A service that you booked has a new time.",
    SERVICE_CANCELLED="A service that you booked was cancelled.",
    EVENT_APPROVED="A moderator approved your event.",
    EVENT_REJECTED="A moderator sent your event back.",
    EVENT_CHANGE_APPROVED="A moderator approved your change of an event.",
    EVENT_CHANGE_REJECTED="A moderator refused your change of an event, and the event stays as it is.",
    EVENT_ROLE_GIVEN="You got a role at an event, or another role.",
    EVENT_ROLE_TAKEN="You no longer have a role at an event.",
    CLUB_JOIN_REQUESTED="Someone asks to join your club.",
    CLUB_JOIN_APPROVED="Your request to join a club was accepted.",
    CLUB_JOIN_REJECTED="Your request to join a club was refused.",
    CLUB_INVITATION="You were invited to a club.",
    CLUB_MEMBER_REMOVED="You were removed from a club.",
    CLUB_BAN_LIFTED="Your ban from a club was lifted.",
    NEW_MESSAGE="There are unread messages in one of your chats.",
)

NotificationSubject = Annotated[
    Event | Service | Club | Chat,
    strawberry.union("NotificationSubject", description="The object that a notification is about."),
]


enum(
    ChangedField,
    "What changed about an event or a service. New values may be added at any time.",
    TITLE="The title.",
    STARTS_AT="The start.",
    ENDS_AT="The end.",
    VENUE="The venue.",
    PRICE="The price for one person.",
)


def money(price: Price | None) -> Money | None:
    return None if price is None else Money(amount=two_places(price.amount), currency=price.currency)


@strawberry.type(
    description="A changed value with the one before. Which of the three pairs is filled depends on `field`."
)
class NotificationChange:
    field: ChangedField = strawberry.field(description="What changed.")

    @computed(description="The previous time. Null if `field` is not a time.")
    def time_before(root: strawberry.Parent[Any]) -> datetime | None:
        return root.before if isinstance(root.before, datetime) else None

    @computed(description="The new time. Null if `field` is not a time.")
    def time_after(root: strawberry.Parent[Any]) -> datetime | None:
        return root.after if isinstance(root.after, datetime) else None

    @computed(description="The previous title or name of the venue. Null if `field` is neither.")
    def text_before(root: strawberry.Parent[Any]) -> str | None:
        return root.before if isinstance(root.before, str) else None

    @computed(description="The new title or name of the venue. Null if `field` is neither.")
    def text_after(root: strawberry.Parent[Any]) -> str | None:
        return root.after if isinstance(root.after, str) else None

    @computed(description="The previous price. Null if `field` is not the price.", graphql_type=Money | None)
    def price_before(root: strawberry.Parent[Any]) -> Money | None:
        return money(root.before if isinstance(root.before, Price) else None)

    @computed(description="The new price. Null if `field` is not the price.", graphql_type=Money | None)
    def price_after(root: strawberry.Parent[Any]) -> Money | None:
        return money(root.after if isinstance(root.after, Price) else None)


@strawberry.type(description="A message from the system to one person. Only its recipient can see it.")
class Notification(Node, row=models.Notification, by_id=dataloaders.notifications.notifications.by_id):
    type: models.NotificationType = strawberry.field(description="The kind of the notification.")
    created_at: datetime = strawberry.field(description="When the notification was created.")
    read_at: datetime | None = strawberry.field(
        description="When the recipient first read it. Null while it is unread."
    )
    subject: NotificationSubject | None = related_one_of(
        dataloaders.notifications.notifications.subject,
        kind="subject_type",
        key="subject_id",
        description="The object that the notification is about. For BOOKING_CANCELLED, SERVICE_CHANGED and "
        "SERVICE_CANCELLED this is the service; for old ones of these types it is the event. Null if "
        "the caller cannot see it any more.",
    )
    actor: User | None = related(
        dataloaders.people.users.by_id,
        key="actor_id",
        description="Who caused the notification. Null if no person did or the caller cannot see them.",
    )

    @computed(description="One line of text in the recipient's language.")
    def title(root: strawberry.Parent[Any], info: Info) -> str:
        return words_of(root, info.context.reader).title

    @computed(description="One or two sentences in the recipient's language. May be empty.")
    def body(root: strawberry.Parent[Any], info: Info) -> str:
        return words_of(root, info.context.reader).body

    updated_at: datetime | None = strawberry.field(
        description="When the notification was updated, because it happened again or no longer holds. Null if it "
        "never was."
    )

    @computed(description="Whether the notification no longer holds, such as a request that was withdrawn.")
    @reads("params")
    def is_withdrawn(root: strawberry.Parent[Any]) -> bool:
        return is_withdrawn(root)

    @computed(description="The reason given by the person who cancelled or refused. Null if none was given.")
    @reads("params")
    def reason(root: strawberry.Parent[Any]) -> str | None:
        return root.params.get("reason") or None

    @computed(
        description="For NEW_MESSAGE, the first line of the message, at most 140 characters. Null for other types."
    )
    @reads("params")
    def excerpt(root: strawberry.Parent[Any]) -> str | None:
        return root.params.get("text") or None

    @computed(
        description="For EVENT_CHANGED and SERVICE_CHANGED, what changed, with old and new values. A value that "
        "has changed again since is left out. Empty for other types.",
        graphql_type=list[NotificationChange],
    )
    @reads("params")
    def changes(root: strawberry.Parent[Any]) -> list[Change]:
        return changes_of(root.params)

    @computed(
        description="The position of the notification in the stream `notificationReceived`. Pass it as `after` to "
        "resume from here."
    )
    @reads("user_id", "sequence")
    def cursor(root: strawberry.Parent[Any]) -> str:
        return cursor_of(root.user_id, root.sequence)


@strawberry.input(description=f"Filters the caller's notifications. {ALL_HOLD}")
class NotificationFilter(Filter):
    unread_only: bool = strawberry.field(default=False, description="If true, keep only unread notifications.")
    types: list[models.NotificationType] | None = strawberry.field(
        default=None, description="Keep notifications of one of these types."
    )
