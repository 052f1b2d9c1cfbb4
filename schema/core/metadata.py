"""What fields and types were declared with: how it is found, and the keys of fields' metadata.

Strawberry does not promise how, so nothing else names what this module leans on:

- A `strawberry.Schema` has the schema that graphql-core executes in `_schema`. `Schema.graphql` gives ours.
- Types, fields, arguments and values of enums of that schema carry what they were declared with in their `extensions`,
  under `GraphQLCoreConverter.DEFINITION_BACKREF`.

`tests/libraries/test_private_names.py` says so where a release of Strawberry changes either.
"""

from __future__ import annotations

from typing import Any

from graphql import GraphQLSchema
from strawberry.schema.base import BaseSchema
from strawberry.schema.schema_converter import GraphQLCoreConverter

ACCESS = "access"
"""Of every root field: who may call it (`schema.core.access`)."""
LISTING = "listing"
"""Of a root connection: the method that says which list it is."""
LOOKUP = "lookup"
"""Of a root field that finds one row: the declaration by which it does."""
ROW = "row"
"""Of a root connection: the class of its rows."""
RAISES = "raises"
"""Of a mutation: the refusals that it declares."""
QUOTAS = "quotas"
"""Of a mutation: what it counts against (`schema.core.quotas`)."""

DECLARED = "declaration"
"""Of a field that leads to rows: its declaration. Of one that a function answers: what kind of function it is."""
KEY = "key"
"""Of such a field: the column of the parent row that the declaration is asked by."""
KIND = "kind"
"""Of a field that leads to rows of several types: the column of the parent row that names which."""
RESTRICTED = "restricted"
"""Of a field that not everyone may read: its gate."""
HIDDEN = "hidden"
"""Of such a field: what those are answered who may not read it."""
PAGING = "paging"
"""Of a connection: how its arguments become a request."""
MUTATION_KEY = "mutation"
"""Of a field of `viewerCan`: the name of the mutation that it is about."""

CHECK = "check"
"""Of an input field: what its value is checked by."""
EACH = "check_each"
"""Of an input field that is a list: what each item is checked by."""
MAX_ITEMS_KEY = "max_items"
"""Of an input field that is a list: most items, where they are not the usual number."""
COST_KEY = "cost"
"""Of a mutation: its price. Of an input field: what makes the price of a value (a `Price`)."""

DEFINITION = GraphQLCoreConverter.DEFINITION_BACKREF


def graphql_schema_of(schema: BaseSchema) -> GraphQLSchema:
    """The schema as graphql-core has it."""
    found: GraphQLSchema = schema._schema  # type: ignore[attr-defined]  # only `strawberry.Schema` declares it
    return found


def definition_of(thing: Any) -> Any:
    """What Strawberry knows of a type, a field, an argument or a value; null where graphql-core made it alone."""
    return thing.extensions.get(DEFINITION)
