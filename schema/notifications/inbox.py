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


@strawberry.input(description="Input of `markNotificationsRead`.")
class MarkNotificationsReadInput(MutationInput):
    ids: list[strawberry.ID] = strawberry.field(
        description="The caller's notifications to mark as read, at most 100.",
        metadata=checked(each=id_of("Notification")),
    )


@strawberry.input(description="Input of `markAllNotificationsRead`.")
class MarkAllNotificationsReadInput(MutationInput):
    pass


@strawberry.type(description="The result of `markNotificationsRead`.")
class MarkNotificationsReadPayload(Payload):
    notifications: list[models.Notification] = strawberry.field(
        default_factory=list, graphql_type=list[Notification], description="The notifications, in the order of the ids."
    )
    viewer: models.User | None = strawberry.field(
        default=None,
        graphql_type=LazyViewer | None,
        description="The caller, with the new unread count. Null if the mutation was refused.",
    )


@strawberry.type(description="The result of `markAllNotificationsRead`.")
class MarkAllNotificationsReadPayload(Payload):
    count: int = strawberry.field(default=0, description="The number of notifications that were unread until now.")
    viewer: models.User | None = strawberry.field(
        default=None,
        graphql_type=LazyViewer | None,
        description="The caller, with the new unread count. Null if the mutation was refused.",
    )


@strawberry.type(
    description="The number of unread notifications after some were read, on any device, or new ones arrived."
)
class NotificationsRead:
    unread_count: int = strawberry.field(description="The number of unread notifications now.")


NotificationUpdate = Annotated[
    Notification | ResyncRequired,
    strawberry.union(
        "NotificationUpdate",
        description="An entry of the stream `notificationReceived`: the next notification, or a request to read the "
        "current state again.",
    ),
]


@strawberry.type
class InboxMutations:
    @mutation(
        description="Mark some of the caller's notifications as read. Notifications that are already read keep "
        "the time at which they were.",
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

    @mutation(description="Mark all of the caller's unread notifications as read.", access=SIGNED_IN, quotas=[])
    async def mark_all_notifications_read(
        self, info: Info, input: MarkAllNotificationsReadInput
    ) -> MarkAllNotificationsReadPayload:
        async with info.context.writing() as uow:
            count = await rules.mark_all_read(uow, info.context.viewer)
        return MarkAllNotificationsReadPayload(count=count, viewer=info.context.viewer.user)


@strawberry.type
class InboxSubscriptions:
    @subscription(description="Streams the caller's notifications, oldest first.", access=SIGNED_IN)
    def notification_received(
        self,
        info: Info,
        after: After = None,
    ) -> AsyncGenerator[NotificationUpdate, None]:
        return rules.InboxStream(  # type: ignore[return-value]  # source objects are rows
            info.context.database, info.context.ports.stream_access, info.context.viewer, after=after
        )

    @subscription(
        description="Streams the number of unread notifications: once at the start, and whenever some are read, "
        "on any device, or new ones arrive. There is no cursor, since the newest entry replaces all "
        "earlier ones.",
        access=SIGNED_IN,
    )
    def notifications_read(self, info: Info) -> AsyncGenerator[NotificationsRead, None]:
        return rules.unread_counts(  # type: ignore[return-value]  # source objects are rows
            info.context.database, info.context.ports.hub, info.context.ports.stream_access, info.context.viewer
        )
