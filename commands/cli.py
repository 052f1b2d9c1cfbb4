"""The `wingding` command. Each subcommand is a module with `main(settings, arguments)`, loaded when it is called,
so that a command starts as quickly as what it needs."""

from __future__ import annotations

import argparse
import sys
from importlib import import_module

from errors import StartError
from settings import Settings, SettingsError

COMMANDS = {
    "run": "everything at once, for development: servers, demo data, API and worker",
    "serve": "serve the API over DATABASE_URL and REDIS_URL",
    "worker": "relay events, send mail, run jobs and schedules",
    "migrate": "bring the database to the newest migration",
    "seed": "load demo data, once",
    "check": "are settings and connections right?",
    "schema": "print the GraphQL schema",
    "settings": "print every setting",
    "new-signing-keys": "print a new private key set for SIGNING_KEYS_FILE",
}

WITHOUT_SETTINGS = ("schema", "settings", "new-signing-keys")
"""Commands that print the same whatever is set. They work before anything is: the keys are a setting themselves."""


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="wingding", description="An API server for communities that meet.")
    commands = made.add_subparsers(dest="command", required=True)
    parsers = {name: commands.add_parser(name, help=words, description=words) for name, words in COMMANDS.items()}
    parsers["seed"].add_argument("--scale", type=int, default=1, help="so many times the usual 300 events")
    parsers["seed"].add_argument(
        "--among-people", action="store_true", help="load them even where the database has other users"
    )
    parsers["check"].add_argument(
        "--invariants", action="store_true", help="recount every place, stream and membership too"
    )
    return made


def main() -> None:
    arguments = parser().parse_args()
    module = import_module(f"commands.{arguments.command.replace('-', '_')}")
    try:
        settings = Settings() if arguments.command in WITHOUT_SETTINGS else Settings.load()
        sys.exit(module.main(settings, arguments))
    except (SettingsError, StartError) as error:
        sys.exit(f"wingding: {error}")
