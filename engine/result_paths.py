"""Where a value stands in the answer, worked out only when an error asks for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

Path = list[str | int]


class ResultPath(Protocol):
    def paths(self, position: int) -> list[Path]:
        """Return the paths at which the value at a position of a batch stands: several where objects are shared."""


class RootPath:
    def paths(self, position: int) -> list[Path]:
        return [[]]


@dataclass(frozen=True, slots=True)
class FieldPath:
    """Values of one field, one for each object of a batch."""

    objects: ResultPath
    key: str

    def paths(self, position: int) -> list[Path]:
        return [[*path, self.key] for path in self.objects.paths(position)]


@dataclass(frozen=True, slots=True)
class ListItemPath:
    """Items of lists, all in one batch."""

    lists: ResultPath
    owners: Sequence[int]
    indexes: Sequence[int]

    def paths(self, position: int) -> list[Path]:
        return [[*path, self.indexes[position]] for path in self.lists.paths(self.owners[position])]


@dataclass(frozen=True, slots=True)
class SelectedPath:
    """Some values of a batch; those at several positions may have become one object."""

    values: ResultPath
    positions: Sequence[Sequence[int]]

    def paths(self, position: int) -> list[Path]:
        return [path for one in self.positions[position] for path in self.values.paths(one)]


@dataclass(frozen=True, slots=True)
class SharedObjectPath:
    """Objects made of the values of a batch, each once wherever it stands."""

    values_place: ResultPath
    values: Sequence[object]
    objects: Sequence[object]

    def paths(self, position: int) -> list[Path]:
        wanted = self.objects[position]
        standing = [index for index, value in enumerate(self.values) if value is wanted]
        return [path for one in standing for path in self.values_place.paths(one)]
