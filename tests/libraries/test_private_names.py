"""What is leant on of libraries, though they do not promise it, stands in one module for each, and is still there."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
import strawberry
from graphql import GraphQLField, GraphQLObjectType, GraphQLSchema
from strawberry.types.base import StrawberryObjectDefinition
from strawberry.types.field import StrawberryField

from schema.core.metadata import definition_of, graphql_schema_of
from tests.tools.syntax import nodes, tree
from transport.http import uvicorn_protocols

ROOT = Path(__file__).parent.parent.parent
ADAPTERS = {
    "schema/core/metadata.py": "_schema",
    "transport/http/uvicorn_protocols.py": "uvicorn.protocols",
}
"""The only modules that may name what is private, and what they name."""
PUBLIC = {
    "_mapping": "of rows of SQLAlchemy: documented, with a line in front so that no column can have the name",
    "_replace": "of named tuples of Python: documented, likewise",
}


def own_folders() -> list[Path]:
    return sorted(one.parent for one in ROOT.glob("*/__init__.py"))


@cache
def sources() -> dict[str, ast.Module]:
    paths = [path for folder in own_folders() for path in folder.rglob("*.py")] + sorted(ROOT.glob("*.py"))
    return {str(path.relative_to(ROOT)): tree(path) for path in paths}


@cache
def own_modules() -> set[str]:
    return {path.split("/")[0].removesuffix(".py") for path in sources()}


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__") and name != "_"


@cache
def defined_in(path: str) -> set[str]:
    """Names that a module gives to anything: functions, classes, variables, attributes."""
    found = set()
    for node in nodes(ROOT / path):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            found.add(node.attr)
        elif isinstance(node, ast.arg):
            found.add(node.arg)
    return found


@cache
def defined_somewhere() -> set[str]:
    return set().union(*(defined_in(path) for path in sources()))


def foreign_attributes(path: str) -> Iterator[str]:
    """Private attributes of something that this project did not make.

    A module of ours reads a private attribute of another object than `self` only where it defines that attribute. A
    test may read those of any of our classes, but never `_schema`, which is Strawberry's.
    """
    is_test = path.startswith("tests/")
    for node in nodes(ROOT / path):
        if not isinstance(node, ast.Attribute) or not is_private(node.attr) or node.attr in PUBLIC:
            continue
        is_self = isinstance(node.value, ast.Name) and node.value.id in ("self", "cls")
        if is_self:
            is_ours = node.attr in defined_somewhere()
        else:
            is_ours = node.attr in (defined_somewhere() - {"_schema"} if is_test else defined_in(path))
        if not is_ours:
            yield f"{path}:{node.lineno}: {ast.unparse(node)}"


def foreign_imports(path: str) -> Iterator[str]:
    """Modules and names that a library keeps to itself, and uvicorn's protocols, which it documents nowhere."""
    for node in nodes(ROOT / path):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [*node.module.split("."), *(one.name for one in node.names)]
        elif isinstance(node, ast.Import):
            names = [part for one in node.names for part in one.name.split(".")]
        else:
            continue
        is_foreign = names[0] not in own_modules() - {"alembic"}
        if is_foreign and (any(is_private(name) for name in names) or names[:2] == ["uvicorn", "protocols"]):
            yield f"{path}:{node.lineno}: {ast.unparse(node)}"


def test_private_names_of_libraries_stand_in_their_adapter_alone():
    found = [
        one for path in sources() if path not in ADAPTERS for one in (*foreign_attributes(path), *foreign_imports(path))
    ]

    assert found == [], "use a public way, or name it in an adapter (ADAPTERS) and say there what is leant on"


@pytest.mark.parametrize("path", ADAPTERS)
def test_an_adapter_names_what_it_is_for_and_nothing_else(path):
    found = [*foreign_attributes(path), *foreign_imports(path)]

    assert found and all(ADAPTERS[path] in one for one in found)


def test_the_key_of_definitions_is_written_nowhere():
    key = "strawberry" + "-definition"
    texts = {
        path: [
            node.value for node in nodes(ROOT / path) if isinstance(node, ast.Constant) and isinstance(node.value, str)
        ]
        for path in sources()
    }

    assert [path for path, found in texts.items() if key in found] == []


@strawberry.type
class Query:
    @strawberry.field
    def greeting(self, name: str) -> str:
        return name


def test_strawberry_still_has_the_schema_of_graphql_core_where_it_is_looked_for():
    made = strawberry.Schema(Query)
    advice = "a strawberry.Schema has its schema of graphql-core elsewhere now: change schema/core/metadata.py"

    assert isinstance(getattr(made, "_schema", None), GraphQLSchema), advice
    assert graphql_schema_of(made).query_type is not None, advice


def test_strawberry_still_leaves_its_definitions_in_what_it_makes():
    made = graphql_schema_of(strawberry.Schema(Query))
    type_ = made.type_map["Query"]
    assert isinstance(type_, GraphQLObjectType)
    field = type_.fields["greeting"]
    assert isinstance(field, GraphQLField)
    advice = "Strawberry keeps its definitions elsewhere now: change schema/core/metadata.py"

    assert isinstance(definition_of(type_), StrawberryObjectDefinition), advice
    assert isinstance(definition_of(field), StrawberryField), advice
    assert definition_of(field.args["name"]).python_name == "name", advice
    assert definition_of(made.type_map["String"]) is None or definition_of(made.type_map["String"]).name == "String"


@pytest.mark.parametrize(
    ("path", "protocol"),
    [
        ("transport/http/direct.py", uvicorn_protocols.HttpToolsProtocol),
        ("transport/live/frames.py", uvicorn_protocols.WebSocketsSansIOProtocol),
    ],
)
def test_what_is_leant_on_of_uvicorn_is_written_down(path, protocol):
    """Whatever our protocols use of themselves and do not define."""
    tree = next(
        node
        for node in nodes(ROOT / path)
        if isinstance(node, ast.ClassDef) and [ast.unparse(one) for one in node.bases] == [protocol.__name__]
    )
    used = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) in ("self", "super()")
    }
    inherited = {name for name in used if hasattr(protocol, name) and not name.startswith("__")}
    given = used - inherited - {name for name in used if is_private(name)} - {"__init__"}
    own = {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}

    assert inherited | (given - own) <= uvicorn_protocols.LEANS_ON[protocol]


@pytest.mark.parametrize("protocol", uvicorn_protocols.LEANS_ON, ids=lambda one: one.__name__)
def test_uvicorn_still_has_what_is_leant_on(protocol):
    source = inspect.getsource(protocol)
    missing = {
        name
        for name in uvicorn_protocols.LEANS_ON[protocol]
        if not hasattr(protocol, name) and not re.search(rf"\bself\.{name}\b[^=\n]*=", source)
    }

    assert missing == set(), (
        f"uvicorn's {protocol.__name__} has no {', '.join(sorted(missing))} any more: "
        "change transport/http/direct.py or transport/live/frames.py, and transport/http/uvicorn_protocols.py"
    )
