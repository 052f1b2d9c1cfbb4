"""The `wingding` command."""

from __future__ import annotations

import argparse
import asyncio
import sys

from auth.tokens import new_keys
from commands.check import check
from commands.local import reachable
from commands.migrations import migrate
from commands.run import run
from commands.seed import seed
from commands.serve import serve
from commands.settings_doc import settings_table
from commands.worker import work
from integrations.embedded import EmbeddedError
from schema import make_schema
from settings import Settings, SettingsError


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="wingding", description="An API server for communities that meet.")
    commands = made.add_subparsers(dest="command", required=True)
    commands.add_parser("run", help="everything at once, for development: servers, demo data, API and worker")
    commands.add_parser("serve", help="serve the API over DATABASE_URL and REDIS_URL")
    commands.add_parser("worker", help="relay events, send mail, run jobs and schedules")
    commands.add_parser("migrate", help="bring the database to the newest migration")
    seeding = commands.add_parser("seed", help="load demo data, once")
    seeding.add_argument("--scale", type=int, default=1, help="so many times the usual 300 events")
    checking = commands.add_parser("check", help="are settings and connections right?")
    checking.add_argument("--invariants", action="store_true", help="recount every place, stream and membership too")
    commands.add_parser("schema", help="print the GraphQL schema")
    commands.add_parser("new-signing-keys", help="print a new private key set for SIGNING_KEYS_FILE")
    commands.add_parser("settings", help="print every setting")
    return made


def main() -> None:
    arguments = parser().parse_args()
    try:
        settings = Settings.load()
        sys.exit(_execute(arguments, settings))
    except (SettingsError, EmbeddedError) as error:
        sys.exit(f"wingding: {error}")


def _execute(arguments: argparse.Namespace, settings: Settings) -> int:
    match arguments.command:
        case "run":
            return run(settings)
        case "serve":
            _need_servers(settings)
            serve(settings)
        case "worker":
            _need_servers(settings)
            work(settings)
        case "migrate":
            with reachable(settings, start=True) as found:
                asyncio.run(migrate(found.database_url))
        case "seed":
            with reachable(settings, start=True) as found:
                asyncio.run(migrate(found.database_url))
                print(asyncio.run(seed(found.database_url, scale=arguments.scale)))
        case "check":
            with reachable(settings, start=False) as found:
                findings = asyncio.run(check(found, invariants=arguments.invariants))
            print(*findings, sep="\n")
            return 0 if all(finding.is_good for finding in findings) else 1
        case "schema":
            print(make_schema().as_str())
        case "new-signing-keys":
            print(new_keys())
        case "settings":
            print(settings_table(), end="")
    return 0


def _need_servers(settings: Settings) -> None:
    missing = [name for name in ("database_url", "redis_url") if not getattr(settings, name)]
    if missing:
        names = " and ".join(name.upper() for name in missing)
        raise SettingsError(f"{names} must be set here; `wingding run` starts embedded servers instead")
