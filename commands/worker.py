"""The worker: what runs after the response, and on a clock."""

from __future__ import annotations

import asyncio
import signal

import uvloop

from jobs.worker import Worker
from settings import Settings


def work(settings: Settings) -> None:
    """Run until SIGTERM or Ctrl-C. May run any number of times beside itself."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_work(settings))


async def _work(settings: Settings) -> None:
    worker = Worker(settings)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, worker.stop)
    await worker.run()
