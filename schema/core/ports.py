"""What the schema needs from outside itself. `app.py` makes it once and hands it to every context."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from auth.password_hashing import Passwords
from auth.sealing import Sealer
from auth.tokens import Tokens
from database import Database
from integrations.oidc import OpenIdProvider
from integrations.quick_redis import QuickRedis
from realtime.chat_presence import ChatPresence
from realtime.hub import Hub
from resolvers.chat.reading import ChatReads
from resolvers.core.stream_access import StreamAccess
from resolvers.people.sessions import SessionIssuer
from schema.core.quotas import Quotas
from settings import Settings


@dataclass(frozen=True)
class Ports:
    settings: Settings
    database: Database
    tokens: Tokens
    passwords: Passwords
    sealer: Sealer
    hub: Hub
    chat_presence: ChatPresence
    chat_reads: ChatReads
    stream_access: StreamAccess
    provider: OpenIdProvider
    redis: QuickRedis
    quotas: Quotas

    @property
    def signing(self) -> SessionIssuer:
        return SessionIssuer(
            self.tokens,
            self.sealer,
            idle=timedelta(seconds=self.settings.session_lifetime),
            longest=timedelta(seconds=self.settings.session_longest),
            grace=timedelta(seconds=self.settings.refresh_grace),
        )
