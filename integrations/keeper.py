"""Runs one server process and ends it when its owner is gone.

Usage: python keeper.py STOP_SIGNAL USER_ID GROUP_ID COMMAND… ; user and group -1 mean "stay who you are".

The owner holds the other end of our standard input. However the owner ends (even by SIGKILL), that pipe closes,
and the server gets its stop signal. Started in a session of its own, so that Ctrl-C in a terminal reaches the
owner alone, which then ends things in order. Imports nothing but the standard library.
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import subprocess
import sys

GRACE_SECONDS = 15.0
PR_SET_PDEATHSIG = 1


def _die_with_keeper(stop_signal: int) -> None:
    """Linux: the server gets its signal even if this process is killed outright."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, stop_signal)


def main() -> int:
    stop_signal, user, group = (int(argument) for argument in sys.argv[1:4])
    identity = {"user": user, "group": group, "extra_groups": []} if user >= 0 else {}
    server = subprocess.Popen(
        sys.argv[4:],
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        preexec_fn=lambda: _die_with_keeper(stop_signal),
        **identity,  # type: ignore[call-overload]  # the overloads know no unpacked arguments
    )
    wakeup, waker = os.pipe()
    os.set_blocking(waker, False)
    signal.set_wakeup_fd(waker)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD):
        signal.signal(number, lambda *_: None)
    while server.poll() is None:
        readable, _, _ = select.select([sys.stdin, wakeup], [], [], 5.0)
        owner_is_gone = sys.stdin in readable and not os.read(sys.stdin.fileno(), 4096)
        told_to_stop = wakeup in readable and any(byte != signal.SIGCHLD for byte in os.read(wakeup, 64))
        if owner_is_gone or told_to_stop:
            server.send_signal(stop_signal)
            try:
                server.wait(GRACE_SECONDS)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()
    return int(server.returncode)


if __name__ == "__main__":
    sys.exit(main())
