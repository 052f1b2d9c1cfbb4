"""`wingding schema`: the GraphQL schema as text."""

from __future__ import annotations

from argparse import Namespace

from schema import make_schema
from settings import Settings


def main(_settings: Settings, _arguments: Namespace) -> int:
    print(make_schema().as_str())
    return 0
