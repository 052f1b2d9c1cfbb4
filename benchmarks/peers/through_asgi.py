"""Ours with every request through ASGI, to measure what answering plain ones past it gains (ADR 17)."""

from __future__ import annotations

import sys
from argparse import Namespace

from commands import serve
from settings import Settings
from transport.http.uvicorn_protocols import HttpToolsProtocol

if __name__ == "__main__":
    vars(serve)["DirectProtocol"] = HttpToolsProtocol
    sys.exit(serve.main(Settings.load(), Namespace()))
