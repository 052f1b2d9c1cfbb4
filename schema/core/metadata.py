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
"""Access of every root field: who may call it (`schema.core.access`)."""
LISTING = "listing"
"""The method of a root connection that returns its list."""
LOOKUP = "lookup"
"""The declaration by which a root field finds one row."""
ROW = "row"
"""The class of a root connection's rows."""
RAISES = "raises"
"""The refusals that a mutation declares."""
QUOTAS = "quotas"
"""The quotas that a mutation counts against (`schema.core.quotas`)."""

DECLARED = "declaration"
"""The declaration of a field that leads to rows, or the kind of function that answers a field."""
KEY = "key"
"""The column of the parent row that holds the declaration's key."""
KIND = "kind"
"""The column of the parent row that names the type, for a field that leads to several."""
RESTRICTED = "restricted"
"""The gate of a field that not everyone may read."""
HIDDEN = "hidden"
"""The value of such a field for those who may not read it."""
PAGING = "paging"
"""The function that turns a connection's arguments into a request."""
MUTATION_KEY = "mutation"
"""The name of the mutation that a field of `viewerCan` is about."""

CHECK = "check"
"""The check of an input field's value."""
EACH = "check_each"
"""The check of each item of an input field that is a list."""
MAX_ITEMS_KEY = "max_items"
"""The maximum number of items of an input field that is a list, if it is not the usual one."""
COST_KEY = "cost"
"""The price of a mutation, or the function that makes the price of an input field's value (a `Price`)."""

DEFINITION = GraphQLCoreConverter.DEFINITION_BACKREF


def graphql_schema_of(schema: BaseSchema) -> GraphQLSchema:
    """Return the schema as graphql-core has it."""
    found: GraphQLSchema = schema._schema  # type: ignore[attr-defined]  # only `strawberry.Schema` declares it
    return found


def definition_of(thing: Any) -> Any:
    """Return what Strawberry knows of a type, a field, an argument or a value; null where graphql-core made it
    alone.
    """
    return thing.extensions.get(DEFINITION)
