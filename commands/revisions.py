"""The newest migration. It is read from the text of the files, since loading Alembic takes half a second."""

from __future__ import annotations

import re
from pathlib import Path

VERSIONS = Path(__file__).parent.parent / "alembic" / "versions"
NAME = re.compile(r"^revision = [\"']([^\"']+)[\"']$", re.MULTILINE)
PARENT = re.compile(r"^down_revision = [\"']([^\"']+)[\"']$", re.MULTILINE)


def newest_revision() -> str:
    """Return the one revision that no other builds on."""
    texts = [file.read_text() for file in VERSIONS.glob("*.py")]
    names = {found[1] for text in texts if (found := NAME.search(text))}
    parents = {found[1] for text in texts if (found := PARENT.search(text))}
    (newest,) = names - parents
    return newest
