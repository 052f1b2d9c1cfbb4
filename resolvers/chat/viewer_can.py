"""Rules of `viewerCan`, by the functions that mutations ask (`docs/viewer-can.md`)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from auth.viewer import Viewer
from resolvers.chat import members, messages


@dataclass(frozen=True)
class OfChat:
    """`known` is a row of `dataloaders.chat.viewer_can.by_chat_id`; `needs` is the setting `direct_chat_needs`."""

    chat: Any
    viewer: Viewer
    known: Any
    needs: str

    @cached_property
    def _is_member(self) -> bool:
        return self.known is not None and bool(self.known.is_present)

    @property
    def send_message(self) -> bool:
        if not self._is_member:
            return False
        return messages.refusal_to_write(getattr(self.known, messages.writability_by(self.needs))) is None

    @property
    def mark_read(self) -> bool:
        """Whoever has read all is not refused, but nothing changes."""
        return self._is_member and bool(self.known.has_unread)

    @property
    def add_members(self) -> bool:
        return self._is_member and members.has_free_members(self.chat)

    @property
    def leave(self) -> bool:
        return self._is_member and members.has_free_members(self.chat)

    @property
    def rejoin(self) -> bool:
        """Whether the viewer may come back. For a present member the mutation would change nothing."""
        return self.known is not None and not self._is_member and members.has_free_members(self.chat)


@dataclass(frozen=True)
class OfMessage:
    message: Any
    viewer: Viewer
    is_unread: bool

    @property
    def mark_read(self) -> bool:
        return self.is_unread
