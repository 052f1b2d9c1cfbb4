"""Every stored state and every column is written by some operation. What comes with later work stands in lists that may
only shrink."""

from __future__ import annotations

import re
from enum import Enum
from pathlib import Path
from typing import Any

from graphql import GraphQLEnumType, GraphQLInputObjectType, get_named_type
from sqlalchemy import Column

import models

ROOT = Path(__file__).parent.parent
WRITING = ("resolvers", "jobs", "auth", "database", "outbox", "realtime", "schema")
"""Folders with the code of operations. Demo data and tests bring nothing about."""
LATER_STATES = {
    "Admission.OFFERED", "Admission.PENDING_APPROVAL", "Admission.WAITLISTED", "Attendance.ATTENDED",
    "Attendance.EXCUSED", "Attendance.NO_SHOW", "ChatKind.PARTNER", "ChatKind.SUPPORT", "ReviewStatus.HIDDEN",
}  # fmt: skip
"""Waitlists, attendance, partner and support chats, moderation of reviews."""
LATER_COLUMNS: set[str] = set()
READ_ALONE = {"Attendance.NO_SHOW", "ReviewStatus.HIDDEN"}
"""Members that are named by code which only reads them."""


def sources() -> str:
    files = [file for folder in WRITING for file in sorted((ROOT / folder).rglob("*.py"))]
    # What clients are told of a member is no way to bring it about.
    return "\n".join(re.sub(r"(?m)^\s+[A-Z_]+=\".*$", "", file.read_text()) for file in files)


def stored_enums() -> list[type[Enum]]:
    used = set()
    for table in models.Base.metadata.sorted_tables:
        for column in table.columns:
            enum_class = getattr(column.type, "enum_class", None)
            if enum_class is not None:
                used.add(enum_class)
    return sorted(used, key=lambda one: one.__name__)


def chosen_by_clients(schema: Any) -> set[str]:
    """Enums whose members are given to mutations as they are."""
    inputs = [one for one in schema.graphql.type_map.values() if isinstance(one, GraphQLInputObjectType)]
    given = {
        get_named_type(field.type).name
        for one in inputs
        if not one.name.endswith("Filter")
        for field in one.fields.values()
    }
    return {name for name in given if isinstance(schema.graphql.type_map[name], GraphQLEnumType)}


def test_every_stored_state_is_brought_about(schema) -> None:
    text = sources()
    chosen = chosen_by_clients(schema)

    missing = {
        f"{enum.__name__}.{member.name}"
        for enum in stored_enums()
        if enum.__name__ not in chosen
        for member in enum
        if not re.search(rf"\b{enum.__name__}\.{member.name}\b", text)
    }

    assert missing | READ_ALONE == LATER_STATES


def test_every_column_is_written() -> None:
    text = sources()

    missing = {
        f"{mapper.class_.__name__}.{attribute.key}"
        for mapper in models.Base.registry.mappers
        for attribute in mapper.column_attrs
        if isinstance(attribute.columns[0], Column)  # and no expression
        and not attribute.columns[0].computed
        and attribute.columns[0].default is None
        and attribute.columns[0].server_default is None
        and not re.search(rf"\b{attribute.key}\b", text)
    }

    assert missing == LATER_COLUMNS
