"""Clients that other people wrote run a query, a mutation and a subscription against a real server."""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess

import httpx2
import pytest
from gql import Client, GraphQLRequest
from gql.transport.httpx import HTTPXAsyncTransport
from gql.transport.websockets import WebsocketsTransport

import models
from tests.clients import gid
from tests.factories import make_category, make_event, make_user, make_venue
from tests.outside import npm

PASSWORD = "a very long walk"
EVENT = "query ($id: ID!) { event(id: $id) { title availability { taken free } } }"
REGISTER = """
mutation ($input: RegisterForEventInput!) {
  registerForEvent(input: $input) { registration { admission } errors { code } }
}
"""
WATCH = """
subscription ($id: ID!) { availabilityChanged(eventId: $id) { ... on AvailabilityChange { taken free } } }
"""


@pytest.mark.outside
@pytest.mark.parametrize("program", ["graphql-ws", "apollo", "apollo-persisted", "urql", "graphql-sse"])
async def test_a_client_from_npm_runs_queries_mutations_and_subscriptions(program, start_server, save, ports):
    folder = await asyncio.to_thread(npm.install, npm.CLIENTS)
    server, event, token = await a_server_with_an_event(start_server, save, ports)
    given = {
        "http": f"{server.url}/graphql",
        "ws": server.ws_url,
        "stream": f"{server.url}/graphql/stream",
        "token": token,
        "eventId": gid(event),
    }

    node = await asyncio.to_thread(
        subprocess.run,
        ["node", f"{program}.mjs", json.dumps(given)],
        cwd=folder,
        capture_output=True,
        timeout=60,
        check=False,
    )

    assert node.returncode == 0, node.stderr.decode()
    told = without_typenames(json.loads(node.stdout))
    assert told["queried"]["data"] == {"event": {"title": "Board games", "availability": {"taken": 0, "free": 5}}}
    assert told["mutated"]["data"] == {"registerForEvent": {"registration": {"admission": "CONFIRMED"}, "errors": []}}
    assert told["heard"]["data"] == {"availabilityChanged": {"taken": 1, "free": 4}}
    if program == "apollo-persisted":
        assert told["sent"][:3] == ["GET hash", "POST text", "GET hash"]


async def test_gql_for_python_runs_queries_mutations_and_subscriptions(start_server, save, ports):
    server, event, token = await a_server_with_an_event(start_server, save, ports)
    headers = {"Authorization": f"Bearer {token}"}
    http = Client(
        transport=HTTPXAsyncTransport(f"{server.url}/graphql", headers=headers), fetch_schema_from_transport=True
    )
    socket = Client(transport=WebsocketsTransport(server.ws_url, init_payload=headers))

    async with http as asking, socket as listening:
        queried = await asking.execute(GraphQLRequest(EVENT, variable_values={"id": gid(event)}))
        live = asyncio.ensure_future(first_of(listening, gid(event)))
        await asyncio.sleep(0.3)
        mutated = await asking.execute(GraphQLRequest(REGISTER, variable_values={"input": {"eventId": gid(event)}}))
        heard = await asyncio.wait_for(live, 10)

    assert queried == {"event": {"title": "Board games", "availability": {"taken": 0, "free": 5}}}
    assert mutated == {"registerForEvent": {"registration": {"admission": "CONFIRMED"}, "errors": []}}
    assert heard == {"availabilityChanged": {"taken": 1, "free": 4}}


async def first_of(listening, event_id):
    stream = listening.subscribe(GraphQLRequest(WATCH, variable_values={"id": event_id}))
    async with contextlib.aclosing(stream):
        return await anext(stream)


async def a_server_with_an_event(start_server, save, ports):
    """A server, an event with five places, and the token of someone who may register for it."""
    ada, category, venue = make_user(handle="ada"), make_category(), make_venue()
    event = make_event(ada, category, venue, title="Board games", capacity=5)
    await save(ada, category, venue)
    await save(event, models.Password(user_id=ada.id, hash=await ports.passwords.hash(PASSWORD)))
    server = await asyncio.to_thread(start_server)
    return server, event, await a_token(server, "ada")


async def a_token(server, login):
    document = "mutation ($input: SignInInput!) { signIn(input: $input) { accessToken } }"
    body = {"query": document, "variables": {"input": {"login": login, "password": PASSWORD}}}
    async with httpx2.AsyncClient() as http:
        answer = (await http.post(f"{server.url}/graphql", json=body)).json()
    return answer["data"]["signIn"]["accessToken"]


def without_typenames(value):
    """Apollo asks for the type of everything."""
    if isinstance(value, dict):
        return {name: without_typenames(one) for name, one in value.items() if name != "__typename"}
    return value
