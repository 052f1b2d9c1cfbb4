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
    "setup": "add catalogues to an empty database: categories, interests, types of services",
    "create-admin": "make the account of an administrator",
    "grant-role": "give an account a platform role",
    "seed": "load demo data, once; never in production",
    "check": "are settings and connections right?",
    "schema": "print the GraphQL schema",
    "settings": "print every setting",
    "new-signing-keys": "make a new private key set for SIGNING_KEYS_FILE",
}

ROLES = ("USER", "VOLUNTEER", "MODERATOR", "ADMIN")

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
    parsers["setup"].add_argument("--venues", action="store_true", help="add three venues in Moscow and Yekaterinburg")
    parsers["new-signing-keys"].add_argument("file", nargs="?", help="a new file, for its owner alone; printed else")
    admin = parsers["create-admin"]
    admin.add_argument("handle")
    admin.add_argument("email")
    admin.add_argument("--name", help="the name to show; the handle unless given")
    password = admin.add_mutually_exclusive_group()
    password.add_argument("--generate", action="store_true", help="make a password and print it, instead of asking")
    password.add_argument("--send-link", action="store_true", help="mail a link to choose a password")
    parsers["grant-role"].add_argument("handle")
    parsers["grant-role"].add_argument("role", type=str.upper, choices=ROLES)
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
