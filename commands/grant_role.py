"""`wingding grant-role`: give an account a platform role."""

from __future__ import annotations

import asyncio
from argparse import Namespace

from commands.accounts import refusals_told
from commands.local import reachable
from commands.migrations import migrated
from models import Role
from resolvers.people import roles
from settings import Settings


def main(settings: Settings, arguments: Namespace) -> int:
    with reachable(settings, start=False) as found, refusals_told():
        asyncio.run(grant(found, arguments.handle, Role[arguments.role]))
    print(f"{arguments.handle} has the role {arguments.role}")
    return 0


async def grant(settings: Settings, handle: str, role: Role) -> None:
    async with migrated(settings) as database, database.writing() as uow:
        await roles.grant(uow, handle=handle, role=role)
