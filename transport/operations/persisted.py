"""Operations by a name instead of their text: automatic persisted queries, and a registry of trusted documents.

Automatic ones are spoken as Apollo's clients do: the hash alone first; where it is unknown, the hash with the text,
from then on the hash alone again. The registry is a file that a build of the clients makes; its keys are taken as they
are.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import orjson
from graphql import GraphQLError

from caches import Cache, weight_of
from errors import StartError, _
from integrations.quick_redis import QuickRedis, RedisUnavailable
from schema import Schema
from settings import Settings

LIFETIME = 7 * 86_400
"""Seconds that Redis keeps a document which nobody asks for."""
MOST = 5_000
"""Documents in Redis: anybody may store some, and those not used for longest make room."""
LONGEST = 32_768
"""Characters of a document that is kept. A longer one can only be sent in full."""
LONGEST_ID = 200
SHA256 = re.compile("[0-9a-f]{64}")

SENT, AUTOMATIC, TRUSTED = "sent", "automatic", "trusted"

STORE = """
local clock = redis.call('TIME')
redis.call('SET', KEYS[1] .. ARGV[1], ARGV[2], 'EX', ARGV[3])
redis.call('ZREMRANGEBYSCORE', KEYS[1] .. 'used', '-inf', clock[1] - ARGV[3])
redis.call('ZADD', KEYS[1] .. 'used', clock[1], ARGV[1])
local over = redis.call('ZCARD', KEYS[1] .. 'used') - ARGV[4]
if over > 0 then
  local oldest = redis.call('ZPOPMIN', KEYS[1] .. 'used', over)
  for index = 1, #oldest, 2 do redis.call('DEL', KEYS[1] .. oldest[index]) end
end
"""
"""Key: the prefix of all. Arguments: hash, text, seconds to live, most documents."""

FETCH = """
local found = redis.call('GETEX', KEYS[1] .. ARGV[1], 'EX', ARGV[2])
if found then redis.call('ZADD', KEYS[1] .. 'used', redis.call('TIME')[1], ARGV[1]) end
return found
"""
"""Key: the prefix of all. Arguments: hash, seconds to live from now."""

KEY = "wingding:document:"


class PersistedQueryNotFound(GraphQLError):
    """The message is what Apollo's clients look for."""

    def __init__(self) -> None:
        super().__init__("PersistedQueryNotFound", extensions={"code": "PERSISTED_QUERY_NOT_FOUND"})


class PersistedQueriesNotSupported(GraphQLError):
    """The message is what Apollo's clients look for: they send texts from then on."""

    def __init__(self) -> None:
        super().__init__("PersistedQueryNotSupported", extensions={"code": "PERSISTED_QUERY_NOT_SUPPORTED"})


class DocumentNotTrusted(GraphQLError):
    def __init__(self) -> None:
        super().__init__(_("This server runs only registered operations."), extensions={"code": "DOCUMENT_NOT_TRUSTED"})


class HashMismatch(GraphQLError):
    def __init__(self) -> None:
        message = _("The text of the operation does not match its hash or id.")
        super().__init__(message, extensions={"code": "BAD_USER_INPUT", "reason": "DOCUMENT_MISMATCH"})


class DocumentRequest(NamedTuple):
    """A request's document: its text, or an id from the registry, or the hash of a persisted query; several may stand
    together, one at least."""

    text: str = ""
    id: str | None = None
    hash: str | None = None


class FoundDocument(NamedTuple):
    text: str
    source: str
    """SENT, AUTOMATIC or TRUSTED."""


class Persisted:
    """Finds the text that a request stands for. `mode` is TRUSTED_DOCUMENTS: off, prefer or only."""

    def __init__(
        self, redis: QuickRedis | None, *, trusted: Mapping[str, str] | None = None, mode: str = "off"
    ) -> None:
        """Without `redis` there are no automatic persisted queries."""
        self._redis = redis
        self._trusted = trusted or {}
        self._texts = frozenset(self._trusted.values())
        self._mode = mode
        self._kept: Cache[str, str] = Cache("persisted queries")

    @property
    def takes_any_text(self) -> bool:
        """Whether a text that comes without a name runs as it is."""
        return not self._trusted and self._mode != "only"

    async def find(self, asked: DocumentRequest) -> FoundDocument:
        """Find the text of a request's document. Waits for Redis only for an unknown hash.

        Raises `PersistedQueryNotFound`, `PersistedQueriesNotSupported`, `DocumentNotTrusted` or `HashMismatch`.
        """
        registered = self._registered(asked.id) or self._registered(asked.hash)
        if registered is not None:
            if asked.text and asked.text != registered:
                raise HashMismatch
            return FoundDocument(registered, TRUSTED)
        if asked.text:
            if asked.hash and not _fits(asked.text, asked.hash):
                raise HashMismatch
            if asked.text in self._texts:
                return FoundDocument(asked.text, TRUSTED)
            if self._mode == "only":
                raise DocumentNotTrusted
            return FoundDocument(asked.text, SENT)
        if self._mode == "only":
            raise DocumentNotTrusted
        if asked.hash is None:
            raise PersistedQueryNotFound if self._trusted else PersistedQueriesNotSupported
        return FoundDocument(await self._automatic(asked.hash), AUTOMATIC)

    def _registered(self, id: str | None) -> str | None:
        """Ids may carry the name of their hash, as GraphQL over HTTP writes them: `sha256:…`."""
        if id is None:
            return None
        return self._trusted.get(id) or self._trusted.get(id.removeprefix("sha256:"))

    async def _automatic(self, hash: str) -> str:
        if self._redis is None:
            raise PersistedQueriesNotSupported
        if not SHA256.fullmatch(hash):
            raise PersistedQueryNotFound
        kept = self._kept.get(hash)
        if kept is not None:
            return kept
        try:
            found = await self._redis.run(FETCH, keys=[KEY], arguments=[hash, LIFETIME])
        except RedisUnavailable:
            raise PersistedQueryNotFound from None
        text = found.decode() if found is not None else ""
        if not _fits(text, hash):
            raise PersistedQueryNotFound
        self._kept.put(hash, text, weight_of(text))
        return text

    async def learn(self, asked: DocumentRequest) -> None:
        """Keep a document that came with its hash. It was found to be valid: nonsense is not worth keeping."""
        if self._redis is None or asked.hash is None or not asked.text or asked.text in self._texts:
            return
        if asked.hash in self._kept or len(asked.text) > LONGEST:
            return
        self._kept.put(asked.hash, asked.text, weight_of(asked.text))
        with suppress(RedisUnavailable):
            await self._redis.run(STORE, keys=[KEY], arguments=[asked.hash, asked.text, LIFETIME, MOST])


def _fits(text: str, hash: str) -> bool:
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest() == hash


def read_trusted(settings: Settings, schema: Schema) -> dict[str, str]:
    """Return the registry, as GraphQL Code Generator's client preset writes it: a JSON object of ids to documents.

    Raises `StartError` that says what is wrong with the file: a registry which runs half is worse than none.
    """
    if settings.trusted_documents == "off":
        return {}
    name = settings.trusted_documents_file
    try:
        found: Any = orjson.loads(Path(name).read_bytes())
    except OSError as error:
        raise StartError(f"TRUSTED_DOCUMENTS_FILE cannot be read: {name} ({error.strerror})") from error
    except orjson.JSONDecodeError as error:
        raise StartError(f"TRUSTED_DOCUMENTS_FILE is not JSON: {name} ({error})") from error
    if not isinstance(found, dict) or not all(isinstance(text, str) and text for text in found.values()):
        raise StartError(f"TRUSTED_DOCUMENTS_FILE is not an object of ids to documents: {name}")
    wrong = [f"{id}: {error}" for id, text in found.items() for error in [_problem(schema, id, text)] if error]
    if wrong:
        more = f" (and {len(wrong) - 3} more)" if len(wrong) > 3 else ""
        raise StartError(f"TRUSTED_DOCUMENTS_FILE has documents that cannot run: {'; '.join(wrong[:3])}{more}")
    return found


def _problem(schema: Schema, id: str, text: str) -> str | None:
    if not 1 <= len(id) <= LONGEST_ID:
        return f"the id does not have 1 to {LONGEST_ID} characters"
    errors = schema.prepare(text).errors
    return errors[0].message if errors else None
