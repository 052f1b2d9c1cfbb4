from __future__ import annotations

from collections.abc import AsyncGenerator
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import strawberry

import dataloaders.notifications.notifications
import dataloaders.people.users
import models
from errors import InvalidId, NotFound
from resolvers.core.money import Price
from resolvers.notifications import inbox as rules
from resolvers.notifications import preferences as preference_rules
from resolvers.notifications.words import Change, ChangedField, changes_of, is_withdrawn, words_of
from schema.chat.chats import Chat
from schema.clubs.clubs import Club
from schema.core import ids
from schema.core.access import SIGNED_IN
from schema.core.arguments import After
from schema.core.context import Info
from schema.core.enums import enum
from schema.core.filters import ALL_HOLD, Filter
from schema.core.input_checks import checked, id_of
from schema.core.money import Money, two_places
from schema.core.node import Node
from schema.core.relations import computed, reads, related, related_one_of
from schema.core.roots import MutationInput, Payload, mutation, subscription
from schema.core.streams import ResyncRequired, cursor_of
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
enum(
    models.Channel,
    "Where news reaches a person.",
    IN_APP="In the list of notifications.",
    EMAIL="By mail, once the address is proven.",
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


@strawberry.type(description="Whether news of one type reaches a person on one channel.")
class NotificationPreference:
    type: models.NotificationType = strawberry.field(description="What kind of news.")
    channel: models.Channel = strawberry.field(description="Where.")
    is_enabled: bool = strawberry.field(description="Whether it goes there.")
    is_default: bool = strawberry.field(description="Whether one never chose, so that the default holds.")


@strawberry.type(
    description="What one is told of, and where. A type that is off in the app makes no notification, on no channel."
)
class NotificationPreferences:
    @computed(description="Every type on every channel.")
    def choices(root: strawberry.Parent[Any]) -> list[NotificationPreference]:
        return [
            NotificationPreference(
                type=type,
                channel=channel,
                is_enabled=preference_rules.is_enabled(root, type, channel),
                is_default=preference_rules.name_of(type, channel) not in root,
            )
            for type, channel in preference_rules.MATRIX
        ]


@strawberry.input(description="Turns one type of news on or off on one channel.")
class NotificationPreferenceInput:
    type: models.NotificationType = strawberry.field(description="What kind of news.")
    channel: models.Channel = strawberry.field(description="Where.")
    is_enabled: bool = strawberry.field(description="Whether it goes there from now on.")


@strawberry.input(description="Which preferences to change; the others stay.")
class UpdateNotificationPreferencesInput(MutationInput):
    preferences: list[NotificationPreferenceInput] = strawberry.field(
        description="At most one for each type and channel; of two for the same, the later one counts."
    )


@strawberry.input(description="Which notifications were read.")
class MarkNotificationsReadInput(MutationInput):
    ids: list[strawberry.ID] = strawberry.field(
        description="One's own, at most 100.", metadata=checked(each=id_of("Notification"))
    )


@strawberry.input(description="Everything unread up to now.")
class MarkAllNotificationsReadInput(MutationInput):
    pass


@strawberry.type(description="The preferences after the change.")
class UpdateNotificationPreferencesPayload(Payload):
    viewer: models.User | None = strawberry.field(
        default=None, graphql_type=LazyViewer | None, description="Oneself, with all preferences."
    )


@strawberry.type(description="The notifications, read now.")
class MarkNotificationsReadPayload(Payload):
    notifications: list[models.Notification] = strawberry.field(
        default_factory=list, graphql_type=list[Notification], description="In the order of the ids."
    )
    viewer: models.User | None = strawberry.field(
        default=None, graphql_type=LazyViewer | None, description="Oneself, with the new unread count."
    )


@strawberry.type(description="How many were marked.")
class MarkAllNotificationsReadPayload(Payload):
    count: int = strawberry.field(default=0, description="Notifications that were unread until now.")
    viewer: models.User | None = strawberry.field(
        default=None, graphql_type=LazyViewer | None, description="Oneself, with the new unread count."
    )


@strawberry.type
class NotificationMutations:
    @mutation(
        description="Mark some of one's notifications as read. Those read before keep their time.",
        access=SIGNED_IN,
        raises=[NotFound, InvalidId],
        quotas=[],
    )
    async def mark_notifications_read(
        self, info: Info, input: MarkNotificationsReadInput
    ) -> MarkNotificationsReadPayload:
        keys = ids.decode_all(input.ids, "Notification")
        async with info.context.writing() as uow:
            marked = await rules.mark_read(uow, info.context.viewer, notification_ids=keys)
        return MarkNotificationsReadPayload(notifications=marked, viewer=info.context.viewer.user)

    @mutation(description="Mark everything unread as read.", access=SIGNED_IN, quotas=[])
    async def mark_all_notifications_read(
        self, info: Info, input: MarkAllNotificationsReadInput
    ) -> MarkAllNotificationsReadPayload:
        async with info.context.writing() as uow:
            count = await rules.mark_all_read(uow, info.context.viewer)
        return MarkAllNotificationsReadPayload(count=count, viewer=info.context.viewer.user)

    @mutation(description="Choose which news reach oneself, and where.", access=SIGNED_IN)
    async def update_notification_preferences(
        self, info: Info, input: UpdateNotificationPreferencesInput
    ) -> UpdateNotificationPreferencesPayload:
        choices = [preference_rules.Choice(one.type, one.channel, one.is_enabled) for one in input.preferences]
        async with info.context.writing() as uow:
            user = await preference_rules.update(uow, info.context.viewer, choices=choices)
        return UpdateNotificationPreferencesPayload(viewer=user)


@strawberry.type(description="How much is unread, after notifications were read or came, on whatever device.")
class NotificationsRead:
    unread_count: int = strawberry.field(description="Notifications that are unread now.")


NotificationUpdate = Annotated[
    Notification | ResyncRequired,
    strawberry.union("NotificationUpdate", description="A notification, or that some were missed."),
]


@strawberry.type
class NotificationSubscriptions:
    @subscription(description="One's notifications as they come, oldest first.", access=SIGNED_IN)
    def notification_received(
        self,
        info: Info,
        after: After = None,
    ) -> AsyncGenerator[NotificationUpdate, None]:
        return rules.InboxStream(  # type: ignore[return-value]  # source objects are rows
            info.context.database, info.context.ports.stream_access, info.context.viewer, after=after
        )

    @subscription(
        description="How many notifications are unread: at once, and whenever some were read, on any device, or came. "
        "It has no cursor: the newest answer is the whole truth.",
        access=SIGNED_IN,
    )
    def notifications_read(self, info: Info) -> AsyncGenerator[NotificationsRead, None]:
        return rules.unread_counts(  # type: ignore[return-value]  # source objects are rows
            info.context.database, info.context.ports.hub, info.context.ports.stream_access, info.context.viewer
        )
