"""`docs/settings.md`, made from `settings.py` so that the two cannot differ."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import fields
from typing import Any

from settings import REQUIRED_IN_PRODUCTION, Settings

HEAD = """# Settings

Every setting is an environment variable. It is read once, when a process starts; one that is missing or wrong is
named then, all of them at once. An empty variable is one that is not set. This page is printed by `wingding settings`.

| setting | unless set | meaning |
| --- | --- | --- |
"""


def main(_settings: Settings, _arguments: Namespace) -> int:
    print(settings_table(), end="")
    return 0


def settings_table() -> str:
    rows = [f"| `{item.name.upper()}` | {_default(item)} | {_meaning(item)} |" for item in fields(Settings)]
    return HEAD + "\n".join(rows) + "\n"


def _default(item: Any) -> str:
    shown = ",".join(item.default) if isinstance(item.default, tuple) else str(item.default)
    if isinstance(item.default, float) and item.default.is_integer():
        shown = str(int(item.default))
    return f"`{shown}`" if shown else ""


def _meaning(item: Any) -> str:
    needed = " **Must be set in production.**" if item.name in REQUIRED_IN_PRODUCTION else ""
    return f"{item.metadata['about']}{needed}".replace("|", "\\|")
