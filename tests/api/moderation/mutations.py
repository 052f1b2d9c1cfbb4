"""How tests of all mutations call those of this area (`tests/api/core/examples.py`)."""

from __future__ import annotations

from tests.api.core.examples import Deed, Example

MUTATIONS = {
    "decideModerationItem": Example(
        "max",
        {"itemId": "@ModerationItem.state=PENDING", "decision": "APPROVE"},
        [
            Deed("moderation.decide", lambda of: {"itemId": of.item, "decision": "APPROVE"}, subject="waiting"),
            Deed(
                "moderation.decide",
                lambda of: {"itemId": of.item, "decision": "REJECT", "reason": "No"},
                subject="waiting",
            ),
            Deed("moderation.decide", lambda of: {"itemId": of.proposal, "decision": "APPROVE"}, subject="empty"),
        ],
    ),
}
