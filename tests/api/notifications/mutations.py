"""How tests of all mutations call those of this area (`tests/api/core/examples.py`)."""

from __future__ import annotations

from tests.api.core.examples import OWN, Example

MUTATIONS = {
    "markNotificationsRead": Example("anna", {"ids": ["@Notification.user_id=anna"]}, OWN),
    "markAllNotificationsRead": Example("anna", {}, OWN),
    "updateNotificationPreferences": Example(
        "anna", {"preferences": [{"type": "NEW_MESSAGE", "channel": "EMAIL", "isEnabled": True}]}, OWN
    ),
}
