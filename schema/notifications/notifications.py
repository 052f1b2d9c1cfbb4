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
from schema.core.node import Node
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
    "What kind of news it is. New types may be added.",
    REGISTRATION_CONFIRMED="The reader is registered for an event.",
    REGISTRATION_CANCELLED="The reader's registration was cancelled.",
    REGISTRATION_REMOVED="The reader was put out of an event.",
    REGISTRATION_BAN_LIFTED="The reader may take part in an event again.",
    BOOKING_CANCELLED="A place of the reader at a service was cancelled by somebody else, while other places remain.",
    PARTICIPANT_JOINED="Someone registered for the reader's event.",
    EVENT_CHANGED="An event that the reader takes part in has another time, place, title or price.",
    EVENT_CANCELLED="An event that the reader takes part in will not take place.",
    EVENT_REACTIVATED="A cancelled event that the reader had a place at takes place after all.",
    EVENT_REPEATED="An event that the reader was at is held once more.",
    SERVICE_CHANGED="A service that the reader booked has another time.",
    SERVICE_CANCELLED="A service that the reader booked will not take place.",
    EVENT_APPROVED="A moderator approved the reader's event.",
    EVENT_REJECTED="A moderator sent the reader's event back.",
    EVENT_CHANGE_APPROVED="A moderator approved what the reader wants to change of an event.",
    EVENT_CHANGE_REJECTED="A moderator did not approve it, and the event stays as it is.",
    EVENT_ROLE_GIVEN="The reader has a role at an event, or another one.",
    EVENT_ROLE_TAKEN="The reader has no role at an event any more.",
    CLUB_JOIN_REQUESTED="Someone asks to join the reader's club.",
    CLUB_JOIN_APPROVED="The reader was let into a club.",
    CLUB_JOIN_REJECTED="The reader was not let into a club.",
    CLUB_INVITATION="The reader was invited to a club.",
    CLUB_MEMBER_REMOVED="The reader was put out of a club.",
    CLUB_BAN_LIFTED="The reader may come back to a club.",
    NEW_MESSAGE="There are unread messages in a chat of the reader.",
)

NotificationSubject = Annotated[
    Event | Service | Club | Chat, strawberry.union("NotificationSubject", description="What news can be about.")
]


enum(
    ChangedField,
    "What is new about an event or a service. More may be added.",
    TITLE="The title.",
    STARTS_AT="The start.",
    ENDS_AT="The end.",
    VENUE="The place.",
    PRICE="What one person pays.",
)


def money(price: Price | None) -> Money | None:
    return None if price is None else Money(amount=two_places(price.amount), currency=price.currency)


@strawberry.type(description="A value that is new, with the one before. Which pair is filled goes by the field.")
class NotificationChange:
    field: ChangedField = strawberry.field(description="What is new.")

    @computed(description="Of a time, what it was.")
    def time_before(root: strawberry.Parent[Any]) -> datetime | None:
        return root.before if isinstance(root.before, datetime) else None

    @computed(description="Of a time, what it is.")
    def time_after(root: strawberry.Parent[Any]) -> datetime | None:
        return root.after if isinstance(root.after, datetime) else None

    @computed(description="Of a text or the name of a place, what it was.")
    def text_before(root: strawberry.Parent[Any]) -> str | None:
        return root.before if isinstance(root.before, str) else None

    @computed(description="Of a text or the name of a place, what it is.")
    def text_after(root: strawberry.Parent[Any]) -> str | None:
        return root.after if isinstance(root.after, str) else None

    @computed(description="Of a price, what it was.", graphql_type=Money | None)
    def price_before(root: strawberry.Parent[Any]) -> Money | None:
        return money(root.before if isinstance(root.before, Price) else None)

    @computed(description="Of a price, what it is.", graphql_type=Money | None)
    def price_after(root: strawberry.Parent[Any]) -> Money | None:
        return money(root.after if isinstance(root.after, Price) else None)


@strawberry.type(description="News for its reader, who alone sees it.")
class Notification(Node, row=models.Notification, by_id=dataloaders.notifications.notifications.by_id):
    type: models.NotificationType = strawberry.field(description="What kind of news it is.")
    created_at: datetime = strawberry.field(description="When it was sent.")
    read_at: datetime | None = strawberry.field(description="When it was read first; null while it is unread.")
    subject: NotificationSubject | None = related_one_of(
        dataloaders.notifications.notifications.subject,
        kind="subject_type",
        key="subject_id",
        description="What it is about; null when it is no longer visible. Of BOOKING_CANCELLED, SERVICE_CHANGED and "
        "SERVICE_CANCELLED it is the service, which knows its event; of such news from before it is the event.",
    )
    actor: User | None = related(
        dataloaders.people.users.by_id,
        key="actor_id",
        description="Who caused it; null when nobody did or it is hidden who.",
    )

    @computed(description="One line in the reader's language.")
    def title(root: strawberry.Parent[Any], info: Info) -> str:
        return words_of(root, info.context.reader).title

    @computed(description="A sentence or two in the reader's language; may be empty.")
    def body(root: strawberry.Parent[Any], info: Info) -> str:
        return words_of(root, info.context.reader).body

    updated_at: datetime | None = strawberry.field(
        description="When it was updated, as what it tells was repeated or is no longer so; null while it was not."
    )

    @computed(description="Whether what it tells is no longer so, such as a request that was taken back.")
    @reads("params")
    def is_withdrawn(root: strawberry.Parent[Any]) -> bool:
        return is_withdrawn(root)

    @computed(description="Why, in the words of who cancelled or refused; null where nothing was said.")
    @reads("params")
    def reason(root: strawberry.Parent[Any]) -> str | None:
        return root.params.get("reason") or None

    @computed(description="Of NEW_MESSAGE: the first line of the message, at most 140 characters.")
    @reads("params")
    def excerpt(root: strawberry.Parent[Any]) -> str | None:
        return root.params.get("text") or None

    @computed(
        description="Of EVENT_CHANGED and SERVICE_CHANGED: what is new, with old and new values, without what was "
        "changed again while the rest is still so. Else empty.",
        graphql_type=list[NotificationChange],
    )
    @reads("params")
    def changes(root: strawberry.Parent[Any]) -> list[Change]:
        return changes_of(root.params)

    @computed(description="Give it as `after` to `notificationReceived` to continue from here.")
    @reads("user_id", "sequence")
    def cursor(root: strawberry.Parent[Any]) -> str:
        return cursor_of(root.user_id, root.sequence)


@strawberry.input(description=f"Narrows one's notifications. {ALL_HOLD}")
class NotificationFilter(Filter):
    unread_only: bool = strawberry.field(default=False, description="Leave out what was read.")
    types: list[models.NotificationType] | None = strawberry.field(default=None, description="News of these types.")
