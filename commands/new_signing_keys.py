"""`wingding new-signing-keys`"""

from __future__ import annotations

from argparse import Namespace

from auth.tokens import new_keys
from settings import Settings


def main(_settings: Settings, _arguments: Namespace) -> int:
    print(new_keys())
    return 0
