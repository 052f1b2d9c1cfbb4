"""Keys of the metadata of fields, which those who read declarations look for."""

from __future__ import annotations

MAX_ITEMS_KEY = "max_items"
"""Key of an input field's metadata."""


COST_KEY = "cost"
"""Key of the metadata of a mutation, whose price it is, and of an input field, of which it makes the price of a value
(a `Price`)."""
