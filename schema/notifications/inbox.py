from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Annotated

import strawberry

import models
from errors import InvalidId, NotFound
from resolvers.notifications import inbox as rules
from schema.core import ids
from schema.core.access import SIGNED_IN
from schema.core.arguments import After
from schema.core.context import Info
from schema.core.input_checks import checked, id_of
from schema.core.roots import MutationInput, Payload, mutation, subscription
from schema.core.streams import ResyncRequired
from schema.notifications.notifications import LazyViewer, Notification


@strawberry.input(description="Which notifications were read.")
class MarkNotificationsReadInput(MutationInput):
    ids: list[strawberry.ID] = strawberry.field(
        description="One's own, at most 100.", metadata=checked(each=id_of("Notification"))
    )


@strawberry.input(description="Everything unread up to now.")
class MarkAllNotificationsReadInput(MutationInput):
    pass


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


@strawberry.type(description="How much is unread, after notifications were read or came, on whatever device.")
class NotificationsRead:
    unread_count: int = strawberry.field(description="Notifications that are unread now.")


NotificationUpdate = Annotated[
    Notification | ResyncRequired,
    strawberry.union("NotificationUpdate", description="A notification, or that some were missed."),
]


@strawberry.type
class InboxMutations:
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


@strawberry.type
class InboxSubscriptions:
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
