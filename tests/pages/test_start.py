"""What stands at `/`."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import httpx2
from starlette.applications import Starlette

from commands.demo.accounts import demo_accounts
from pages.start import start_route
from tests.factories import make_user

LINKS = [("/graphql", "Explorer"), ("/readyz", "Health")]


async def page(ports, **values) -> httpx2.Response:
    settings = replace(ports.settings, **values)
    route = start_route(settings, links=LINKS, accounts=partial(demo_accounts, ports.database), password="known")
    app = Starlette(routes=[route])
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://localhost") as client:
        return await client.get("/")


async def test_development_shows_where_to_go_and_the_accounts_that_there_are(ports, save):
    stranger = make_user(handle="vera", email="vera@example.com")
    await save(make_user(handle="anna", email="anna@example.org"), stranger)

    answer = await page(ports, environment="development")

    assert answer.status_code == 200 and answer.headers["content-type"].startswith("text/html")
    assert "script" not in answer.text and answer.headers["content-security-policy"].startswith("default-src 'none'")
    for expected in ('href="/graphql"', 'href="/readyz"', "<td>anna</td>"):
        assert expected in answer.text
    assert "<td>vera</td>" not in answer.text


async def test_production_tells_its_name_or_leads_elsewhere(ports):
    named = await page(ports, environment="production")
    elsewhere = await page(ports, environment="production", root_redirect="https://app.example.org/")

    assert named.json()["name"] == "wingding" and named.json()["version"]
    assert (elsewhere.status_code, elsewhere.headers["location"]) == (307, "https://app.example.org/")
