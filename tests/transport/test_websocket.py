from __future__ import annotations

from tests.sockets import Socket


async def test_a_query_runs_over_a_socket(start_server):
    server = start_server()

    async with Socket.connect(server.ws_url) as socket:
        data = await socket.run("{ __typename }")

    assert data == {"__typename": "Query"}
