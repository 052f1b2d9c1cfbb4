"""The `wingding` command."""

from __future__ import annotations

import argparse
import asyncio
import sys

from commands.migrations import migrate
from commands.serve import serve
from schema import make_schema
from settings import Settings, SettingsError


def main() -> None:
    parser = argparse.ArgumentParser(prog="wingding", description="An API server for communities that meet.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("serve", help="serve the API over DATABASE_URL and REDIS_URL")
    commands.add_parser("migrate", help="bring the database to the newest migration")
    commands.add_parser("schema", help="print the GraphQL schema")
    arguments = parser.parse_args()
    try:
        settings = Settings.load()
    except SettingsError as error:
        sys.exit(f"wingding: {error}")
    match arguments.command:
        case "serve":
            serve(settings)
        case "migrate":
            asyncio.run(migrate(settings.database_url))
        case "schema":
            print(make_schema().as_str())
