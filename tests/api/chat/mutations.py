"""How tests of all mutations call those of this area (`tests/api/core/examples.py`)."""

from __future__ import annotations

from tests.api.core.examples import OWN, Example

MUTATIONS = {
    "createChat": Example("anna", {"kind": "DIRECT", "memberIds": ["@User.handle=shy"]}, OWN),
    "addChatMembers": Example("anna", {"chatId": "@Chat.title=Empty", "memberIds": ["@User.handle=boris"]}, OWN),
    "rejoinChat": Example("vera", {"chatId": "@Chat.title=Поход"}, OWN),
    "leaveChat": Example("boris", {"chatId": "@Chat.title=Поход"}, OWN),
    "markChatRead": Example("anna", {"chatId": "@Chat.title=Поход"}, OWN),
    "sendMessage": Example("anna", {"chatId": "@Chat.title=Поход", "body": "Привет", "clientMessageId": "oracle"}, OWN),
}
