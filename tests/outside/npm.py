"""Tools from npm for tests. They are installed by their lock file, on first use."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

CLIENTS = Path(__file__).parent / "clients"


def install(folder: Path) -> Path:
    """Make node_modules as the lock file says, if it is not there already. Skips the test where npm is absent."""
    if shutil.which("npm") is None:
        pytest.skip("npm is not installed")
    lock, done = folder / "package-lock.json", folder / "node_modules" / ".package-lock.json"
    if not done.exists() or done.stat().st_mtime < lock.stat().st_mtime:
        subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--loglevel=error"], cwd=folder, check=True)
    return folder


def run(folder: Path, script: str) -> None:
    subprocess.run(["npm", "run", "--silent", script], cwd=folder, check=True)
