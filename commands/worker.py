"""The worker: what runs after the response, and on a clock."""

from __future__ import annotations

import asyncio
import signal
from argparse import Namespace

import uvloop

from commands.local import need_home, need_servers
from commands.logs import set_up_logging
from jobs.worker import Worker
from settings import Settings


def main(settings: Settings, _arguments: Namespace) -> int:
    """Run until SIGTERM or Ctrl-C. May run any number of times beside itself."""
    need_servers(settings)
    need_home(settings)
    set_up_logging(settings)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_work(settings))
    return 0


async def _work(settings: Settings) -> None:
    worker = Worker(settings)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, worker.stop)
    await worker.run()
