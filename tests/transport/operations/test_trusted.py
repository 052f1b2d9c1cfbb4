"""Documents known beforehand, by their ids; and a mode in which nothing else runs."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from hashlib import sha1
from pathlib import Path

import httpx2
import pytest

from errors import StartError
from integrations.quick_redis import QuickRedis
from settings import Settings, SettingsError
from tests.clients import NO_TLS, ROOT, free_port
from tests.sockets import Socket
from tests.transport.conftest import metric
from tests.transport.live.test_sse import STREAM, events
from tests.transport.operations.test_persisted import NOT_SUPPORTED, ask, hash_of, new_query
from transport.operations.persisted import (
    DocumentNotTrusted,
    DocumentRequest,
    FoundDocument,
    HashMismatch,
    Persisted,
    PersistedQueryNotFound,
    read_trusted,
)

TRUSTED = "query Trusted { __typename }"
NAMES = "query Names($id: ID!) { node(id: $id) { __typename } }"
SHA1 = sha1(TRUSTED.encode()).hexdigest()
"""As GraphQL Code Generator's client preset names documents unless told otherwise."""


@pytest.fixture
def registry(tmp_path: Path) -> str:
    file = tmp_path / "persisted-documents.json"
    file.write_text(json.dumps({SHA1: TRUSTED, hash_of(NAMES): NAMES}))
    return str(file)


def trusting(mode: str, redis: QuickRedis | None = None) -> Persisted:
    return Persisted(redis, trusted={SHA1: TRUSTED, hash_of(NAMES): NAMES}, mode=mode)


@pytest.mark.parametrize("mode", ["prefer", "only"])
@pytest.mark.parametrize(
    "asked",
    [
        DocumentRequest(id=SHA1),
        DocumentRequest(id=f"sha256:{hash_of(NAMES)}"),
        DocumentRequest(hash=SHA1),
        DocumentRequest(hash=hash_of(NAMES)),
        DocumentRequest(TRUSTED),
        DocumentRequest(TRUSTED, id=SHA1),
        DocumentRequest(TRUSTED, hash=SHA1),
        DocumentRequest(TRUSTED, hash=hash_of(TRUSTED)),
    ],
    ids=str,
)
async def test_a_trusted_document_is_found_by_whatever_names_it(mode, asked):
    assert (await trusting(mode).find(asked)).source == "trusted"


@pytest.mark.parametrize("mode", ["prefer", "only"])
@pytest.mark.parametrize(
    "asked",
    [
        DocumentRequest("{ __typename }", id=SHA1),
        DocumentRequest("{ __typename }", hash=hash_of(NAMES)),
        DocumentRequest(NAMES, hash=SHA1),
    ],
)
async def test_a_text_beside_an_id_must_be_the_one_of_that_id(mode, asked):
    with pytest.raises(HashMismatch):
        await trusting(mode).find(asked)


@pytest.mark.parametrize(
    "asked",
    [
        DocumentRequest("{ __typename }"),
        DocumentRequest(TRUSTED + " "),
        DocumentRequest("{ __typename }", hash=hash_of("{ __typename }")),
        DocumentRequest("{ __typename }", id="other"),
        DocumentRequest(id="other"),
        DocumentRequest(hash=hash_of("{ __typename }")),
    ],
    ids=str,
)
async def test_strict_mode_runs_nothing_else(asked, redis):
    await Persisted(redis).learn(DocumentRequest("{ __typename }", hash=hash_of("{ __typename }")))

    with pytest.raises(DocumentNotTrusted):
        await trusting("only", redis).find(asked)


async def test_lenient_mode_runs_everything_else(redis):
    query = new_query()
    lenient = trusting("prefer", redis)

    assert await lenient.find(DocumentRequest(query, hash=hash_of(query))) == FoundDocument(query, "sent")
    await lenient.learn(DocumentRequest(query, hash=hash_of(query)))
    assert await lenient.find(DocumentRequest(hash=hash_of(query))) == FoundDocument(query, "automatic")
    with pytest.raises(PersistedQueryNotFound):
        await lenient.find(DocumentRequest(id="other"))


async def test_without_a_registry_no_document_has_an_id(http):
    assert (await http.post("/graphql", json={"documentId": SHA1})).json() == NOT_SUPPORTED


@pytest.mark.outside
async def test_strict_mode_refuses_on_every_transport(start_server, registry):
    server = await asyncio.to_thread(start_server, TRUSTED_DOCUMENTS="only", TRUSTED_DOCUMENTS_FILE=registry)
    other = {"query": "{ __typename }"}

    async with httpx2.AsyncClient(base_url=server.url, verify=NO_TLS) as http:
        plain = [await http.post("/graphql", json=request) for request in ({"documentId": SHA1}, other)]
        got = [await http.get("/graphql", params=request) for request in ({"documentId": SHA1}, other)]
        streamed = []
        for request in ({"documentId": SHA1}, other):
            async with http.stream("POST", "/graphql/stream", json=request, headers=STREAM) as response:
                streamed.append((await anext(events(response)))[1])
        refusals = await metric(http, 'wingding_refusals_total{reason="DOCUMENT_NOT_TRUSTED"}')
        trusted = await metric(http, 'wingding_documents_total{source="trusted"}')
    async with Socket.connect(server.ws_url) as socket:
        heard = [
            await ask(socket, {"type": "subscribe", "id": id, "payload": request})
            for id, request in (("a", {"documentId": SHA1}), ("b", other))
        ]

    refusal = {
        "message": "This server runs only registered operations.",
        "extensions": {"code": "DOCUMENT_NOT_TRUSTED"},
    }
    answer = {"data": {"__typename": "Query"}}
    assert [one.json() for one in plain] == [one.json() for one in got] == [answer, {"errors": [refusal]}]
    assert streamed == [answer, {"errors": [refusal]}]
    assert heard == [("next", answer), ("error", [refusal])]
    assert (refusals, trusted) == (3, 3)


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"TRUSTED_DOCUMENTS": "yes"}, "TRUSTED_DOCUMENTS is not understood"),
        ({"TRUSTED_DOCUMENTS": "only"}, "TRUSTED_DOCUMENTS=only needs TRUSTED_DOCUMENTS_FILE"),
        ({"PERSISTED_QUERIES": "1"}, "PERSISTED_QUERIES is not understood"),
        ({"MAX_COST": "0"}, "MAX_COST is not understood"),
        ({"COST_PER_MINUTE": "-1"}, "COST_PER_MINUTE is not understood"),
    ],
    ids=str,
)
def test_wrong_settings_are_named(environment, message):
    with pytest.raises(SettingsError, match=message):
        Settings.load(environment)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot be read: .*No such file"),
        ("{", "is not JSON"),
        ("[]", "is not an object of ids to documents"),
        ('{"a": 5}', "is not an object of ids to documents"),
        ('{"a": ""}', "is not an object of ids to documents"),
        ('{"": "{ __typename }"}', "the id does not have 1 to 200 characters"),
        ('{"a": "{ __typename }", "b": "{ nonsense }"}', "cannot run: b: Cannot query field 'nonsense'"),
        ('{"a": "{", "b": "{", "c": "{", "d": "{"}', r"a: Syntax Error.* \(and 1 more\)"),
    ],
    ids=str,
)
def test_a_registry_that_is_no_good_is_told_at_the_start(tmp_path, schema, content, message):
    file = tmp_path / "documents.json"
    if content is not None:
        file.write_text(content)
    settings = Settings.load({"TRUSTED_DOCUMENTS": "prefer", "TRUSTED_DOCUMENTS_FILE": str(file)})

    with pytest.raises(StartError, match=f"TRUSTED_DOCUMENTS_FILE.*{message}"):
        read_trusted(settings, schema)


async def test_a_server_does_not_start_with_it_and_says_why(environment, tmp_path):
    changed = environment | {"TRUSTED_DOCUMENTS": "only", "TRUSTED_DOCUMENTS_FILE": str(tmp_path / "missing.json")}

    started = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-m", "commands", "serve"], cwd=ROOT, env=changed | {"PORT": str(free_port())},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip

    assert started.returncode == 1
    assert started.stderr.splitlines()[-1].startswith("wingding: TRUSTED_DOCUMENTS_FILE cannot be read:")
    assert "Traceback" not in started.stderr
