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
    "A way in which a notification reaches a person.",
    IN_APP="The list of notifications in the app.",
    EMAIL="By e-mail, once the address is verified.",
)


@strawberry.type(description="Whether notifications of one type reach the caller through one channel.")
class NotificationPreference:
    type: models.NotificationType = strawberry.field(description="The type of notification.")
    channel: models.Channel = strawberry.field(description="The channel.")
    is_enabled: bool = strawberry.field(description="Whether notifications of this type are sent through this channel.")
    is_default: bool = strawberry.field(description="Whether this is the default, because the caller never chose.")


@strawberry.type(
    description="Which notifications reach the caller, and through which channels. A type that is off for IN_APP "
    "creates no notification at all, on any channel."
)
class NotificationPreferences:
    @computed(description="One entry for each type and channel.")
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


@strawberry.input(description="Turns one type of notification on or off for one channel.")
class NotificationPreferenceInput:
    type: models.NotificationType = strawberry.field(description="The type of notification.")
    channel: models.Channel = strawberry.field(description="The channel.")
    is_enabled: bool = strawberry.field(
        description="Whether notifications of this type are sent through this channel from now on."
    )


@strawberry.input(
    description="Input of `updateNotificationPreferences`. Preferences that are not listed stay unchanged."
)
class UpdateNotificationPreferencesInput(MutationInput):
    preferences: list[NotificationPreferenceInput] = strawberry.field(
        description="The preferences to change. If one type and channel is listed twice, the later entry counts."
    )


@strawberry.type(description="The result of `updateNotificationPreferences`.")
class UpdateNotificationPreferencesPayload(Payload):
    viewer: models.User | None = strawberry.field(
        default=None,
        graphql_type=LazyViewer | None,
        description="The caller, with all preferences. Null if the mutation was refused.",
    )


@strawberry.type
class NotificationPreferenceMutations:
    @mutation(description="Choose which notifications reach the caller, and through which channels.", access=SIGNED_IN)
    async def update_notification_preferences(
        self, info: Info, input: UpdateNotificationPreferencesInput
    ) -> UpdateNotificationPreferencesPayload:
        choices = [
            preference_rules.PreferenceChange(one.type, one.channel, one.is_enabled) for one in input.preferences
        ]
        async with info.context.writing() as uow:
            user = await preference_rules.update(uow, info.context.viewer, choices=choices)
        return UpdateNotificationPreferencesPayload(viewer=user)
