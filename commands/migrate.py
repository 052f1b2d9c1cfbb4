"""`wingding migrate`"""

from __future__ import annotations

import asyncio
from argparse import Namespace

from commands.local import reachable
from commands.migrations import migrate
from settings import Settings


def main(settings: Settings, _arguments: Namespace) -> int:
    with reachable(settings, start=True) as found:
        print(asyncio.run(migrate(found.database_url)))
    return 0
