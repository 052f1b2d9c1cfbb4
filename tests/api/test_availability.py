from __future__ import annotations

import asyncio

from realtime.outbox import Relay, to_live_streams
from tests.api.test_registrations import CANCEL, REGISTER, an_event

WATCH = """
subscription ($id: ID!, $after: String) {
  availabilityChanged(eventId: $id, after: $after) {
    __typename
    ... on AvailabilityChange { taken free cursor }
  }
}
"""


async def test_changes_arrive_live_and_are_replayed_after_a_cursor(client, save, ports):
    ada, event = await an_event(save, capacity=2)
    relay = Relay(ports.database, {"live": to_live_streams(ports.hub)}, interval=0.05)
    relay.start()
    stream = await client().subscribe(WATCH, id=event)
    waiting = asyncio.ensure_future(anext(stream))
    await asyncio.sleep(0.2)

    await client(ada).execute(REGISTER, eventId=event)
    first = (await asyncio.wait_for(waiting, 5)).data["availabilityChanged"]
    await client(ada).execute(CANCEL, eventId=event)
    second = (await asyncio.wait_for(anext(stream), 5)).data["availabilityChanged"]
    await stream.aclose()
    resumed = await client().subscribe(WATCH, id=event, after=first["cursor"])
    replayed = (await asyncio.wait_for(anext(resumed), 5)).data["availabilityChanged"]
    await resumed.aclose()
    await relay.stop()

    assert (first["taken"], first["free"]) == (1, 1)
    assert (second["taken"], second["free"]) == (0, 2)
    assert replayed == second
