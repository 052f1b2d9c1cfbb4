"""What is installed from a wheel is what stands in the tree."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterable
from zipfile import ZipFile

import pytest

from tests.test_layout import MAY_IMPORT, ROOT, SINGLE

BUILD = "import sys; from setuptools import build_meta; build_meta.build_wheel(sys.argv[1])"
ROOMS = sorted(set(MAY_IMPORT) - SINGLE)


def compiled(_folder: str, names: list[str]) -> Iterable[str]:
    return [name for name in names if name == "__pycache__"]


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """Files of the wheel. Built in a copy, so that nothing is left in the tree, by the setuptools that is installed."""
    copy = tmp_path_factory.mktemp("tree")
    for room in [*ROOMS, "alembic"]:
        shutil.copytree(ROOT / room, copy / room, ignore=compiled)
    for name in [*(f"{single}.py" for single in SINGLE), "pyproject.toml", "README.md"]:
        shutil.copy(ROOT / name, copy)
    done = subprocess.run([sys.executable, "-c", BUILD, "dist"], cwd=copy, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    [wheel] = (copy / "dist").glob("*.whl")
    with ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if ".dist-info/" not in name}


def test_the_wheel_holds_each_file_of_the_rooms_and_no_other(packed: set[str]) -> None:
    standing = {
        file.relative_to(ROOT).as_posix()
        for room in ROOMS
        for file in (ROOT / room).rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }

    assert packed == standing | {f"{single}.py" for single in SINGLE}


def test_every_folder_of_the_rooms_is_a_package() -> None:
    without = [
        folder.relative_to(ROOT).as_posix()
        for room in ROOMS
        for folder in {file.parent for file in (ROOT / room).rglob("*.py")}
        if not (folder / "__init__.py").exists()
    ]

    assert without == []


def test_migrations_are_in_no_package(packed: set[str]) -> None:
    """With one named `alembic`, ours would win over the library wherever the wheel is installed."""
    assert [name for name in packed if name.startswith("alembic")] == []
