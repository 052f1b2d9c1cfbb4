from __future__ import annotations

from typing import Any

import strawberry

import models
from resolvers.notifications import preferences as preference_rules
from schema.core.access import SIGNED_IN
from schema.core.context import Info
from schema.core.enums import enum
from schema.core.relations import computed
from schema.core.roots import MutationInput, Payload, mutation
from schema.notifications.notifications import LazyViewer

enum(
    models.Channel,
    "Where news reaches a person.",
    IN_APP="In the list of notifications.",
    EMAIL="By mail, once the address is proven.",
)


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


@strawberry.type(description="The preferences after the change.")
class UpdateNotificationPreferencesPayload(Payload):
    viewer: models.User | None = strawberry.field(
        default=None, graphql_type=LazyViewer | None, description="Oneself, with all preferences."
    )


@strawberry.type
class NotificationPreferenceMutations:
    @mutation(description="Choose which news reach oneself, and where.", access=SIGNED_IN)
    async def update_notification_preferences(
        self, info: Info, input: UpdateNotificationPreferencesInput
    ) -> UpdateNotificationPreferencesPayload:
        choices = [preference_rules.Choice(one.type, one.channel, one.is_enabled) for one in input.preferences]
        async with info.context.writing() as uow:
            user = await preference_rules.update(uow, info.context.viewer, choices=choices)
        return UpdateNotificationPreferencesPayload(viewer=user)
