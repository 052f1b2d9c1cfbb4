"""The explorer in a real browser: sign in, ask, listen, and see an event that somebody else caused."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from pathlib import Path

import httpx2
import pytest

import models
from tests.clients import ROOT, gid
from tests.factories import make_category, make_event, make_user, make_venue
from tests.outside import npm
from tests.outside.test_clients import PASSWORD, REGISTER, a_token

pytestmark = pytest.mark.outside
DEMO_PASSWORD = "wingding-demo"  # stands in the explorer's second tab
SCREENSHOT = ROOT / "test-report" / "explorer.png"


class Browser:
    """The driver (clients/explorer.mjs), which tells each step as one line of JSON."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def open(cls, **given: str) -> Browser:
        command = ["node", "explorer.mjs", json.dumps(given)]
        pipe = asyncio.subprocess.PIPE
        return cls(await asyncio.create_subprocess_exec(*command, cwd=npm.CLIENTS, stdout=pipe, stderr=pipe))

    async def reaches(self, step: str) -> dict:
        """The next step, which has to be this one."""
        assert self._process.stdout is not None and self._process.stderr is not None
        line = await asyncio.wait_for(self._process.stdout.readline(), 60)
        told = json.loads(line) if line else {"step": "died", "error": (await self._process.stderr.read()).decode()}
        assert told["step"] == step, told
        return told

    async def end(self) -> None:
        if self._process.returncode is None:
            await asyncio.wait_for(self._process.wait(), 30)


async def test_a_newcomer_signs_in_asks_and_sees_a_live_event(start_server, save, ports):
    chromium = the_browser()
    await asyncio.to_thread(build_explorer)
    await asyncio.to_thread(npm.install, npm.CLIENTS)
    anna, boris, category, venue = make_user(handle="anna"), make_user(handle="boris"), make_category(), make_venue()
    event = make_event(boris, category, venue, title="Board games", capacity=5)
    await save(anna, boris, category, venue)
    await save(event, await password(ports, anna, DEMO_PASSWORD), await password(ports, boris, PASSWORD))
    server = await asyncio.to_thread(start_server, EXPLORER="on")
    SCREENSHOT.parent.mkdir(exist_ok=True)

    browser = await Browser.open(
        url=f"{server.url}/graphql", chromium=chromium, eventId=gid(event), screenshot=str(SCREENSHOT)
    )
    opened = await browser.reaches("opened")
    signed_in = await browser.reaches("signed in")
    queried = await browser.reaches("queried")
    await browser.reaches("listening")
    await register(server, await a_token(server, "boris"), event)
    heard = await browser.reaches("heard")
    done = await browser.reaches("done")
    await browser.end()

    assert opened["tabs"] == ["ComingEvents", "SignIn", "FreePlaces"]
    assert signed_in["errors"] == []
    assert queried["answer"]["data"]["viewer"] == {"user": {"displayName": anna.display_name}}
    assert [node["title"] for node in queried["answer"]["data"]["events"]["nodes"]] == ["Board games"]
    assert heard["answer"]["data"]["availabilityChanged"]["taken"] == 1
    assert heard["answer"]["data"]["availabilityChanged"]["free"] == 4
    assert (done["outside"], done["violations"], done["problems"]) == ([], [], [])
    assert SCREENSHOT.stat().st_size > 10_000


def the_browser() -> str:
    found = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if not found:
        pytest.skip("no chromium: install Debian's package, or name one in CHROMIUM")
    return found


def build_explorer() -> None:
    """As `make explorer`, unless what is built is newer than its sources."""
    folder = ROOT / "explorer"
    page = folder / "dist" / "index.html"
    sources: list[Path] = [folder / "package-lock.json", folder / "build.mjs", *(folder / "src").rglob("*.*")]
    if not page.exists() or any(source.stat().st_mtime > page.stat().st_mtime for source in sources):
        npm.install(folder)
        npm.run(folder, "build")


async def password(ports, user, text) -> models.Password:
    return models.Password(user_id=user.id, hash=await ports.passwords.hash(text))


async def register(server, token, event) -> None:
    """A stream is live a moment after it was asked for; the moment is generous."""
    await asyncio.sleep(1)
    body = {"query": REGISTER, "variables": {"input": {"eventId": gid(event)}}}
    async with httpx2.AsyncClient(headers={"Authorization": f"Bearer {token}"}) as http:
        answer = (await http.post(f"{server.url}/graphql", json=body)).json()
    assert answer["data"]["registerForEvent"]["errors"] == []
