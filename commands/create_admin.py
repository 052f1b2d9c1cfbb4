"""`wingding create-admin`: the first administrator, or another one."""

from __future__ import annotations

import asyncio
import secrets
from argparse import Namespace

from auth.password_hashing import Passwords
from commands.accounts import asked_password, refusals_told
from commands.local import reachable
from commands.migrations import migrated
from resolvers.people import signing_up
from settings import Settings


def main(settings: Settings, arguments: Namespace) -> int:
    password = None
    if arguments.generate:
        password = secrets.token_urlsafe(15)
    elif not arguments.send_link:
        password = asked_password()
    with reachable(settings, start=False) as found, refusals_told():
        asyncio.run(create_admin(found, arguments.handle, arguments.email, arguments.name or "", password))
    print(f"{arguments.handle} is an administrator")
    if arguments.generate:
        print(f"password: {password}")
    elif arguments.send_link:
        print(f"a worker sends a link to {arguments.email}, valid for 1 hour, to choose a password")
    return 0


async def create_admin(settings: Settings, handle: str, email: str, name: str, password: str | None) -> None:
    async with migrated(settings) as database, database.writing() as uow:
        await signing_up.create_administrator(
            uow, Passwords(settings), handle=handle, email=email, display_name=name, password=password
        )
