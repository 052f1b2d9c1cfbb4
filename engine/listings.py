"""Root lists: which rows a method's `Listing` names, as a statement compiled once for its arguments."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from sqlalchemy import Select, null

from auth.viewer import Viewer
from database.rows import Values, row_class
from dataloaders.core.compiled import LONGEST_KEY, STATEMENTS, TEXT, Compiled, compile_for
from dataloaders.core.counting import Total, bounded_count, total_of
from dataloaders.core.keyset_pages import (
    Listing,
    Order,
    Page,
    PageArgs,
    as_stored,
    make_page,
    read_stored,
    window_values,
)
from dataloaders.core.selects import Folds, columns_of, directed, folded, ordinals_of
from schema.core.context import Caller, Context
from schema.core.filters import looked_for
from schema.core.roots import page_of

if TYPE_CHECKING:
    from engine.plan import Field

SOME_TEXT = "text"
"""Stands for any that has words or has none: rules look at no more of it than whether it is blank."""


@dataclass(frozen=True)
class ListRequest:
    """A list with its arguments, without the page's."""

    context: Context
    method: Callable[..., Listing]
    arguments: dict[str, Any]
    text: str | None
    """What is looked for. The statement is the same for any text, and hardly two people type the same."""

    @classmethod
    def of(cls, context: Context, method: Callable[..., Listing], arguments: dict[str, Any]) -> ListRequest:
        filter = arguments.get("filter")
        text = looked_for(filter)
        if filter is not None and text is not None:
            arguments = {**arguments, "filter": replace(filter, text=SOME_TEXT)}
        return cls(context, method, arguments, text)

    def build(self, viewer: Viewer) -> Listing:
        """Return the list as another viewer of the same language would get it."""
        caller = Caller(accept_language=self.context.locale)
        context = Context(ports=self.context.ports, caller=caller, viewer=viewer)
        return self.method(None, SimpleNamespace(context=context), **self.arguments)

    @property
    def key(self) -> tuple[Any, ...] | None:
        """What the statement depends on; null where it is too long to be kept."""
        arguments = repr(self.arguments)
        viewer = self.context.viewer
        if len(arguments) > LONGEST_KEY:
            return None
        return (self.method, viewer.user is None, viewer.role, self.context.locale, arguments)

    async def run(self, compiled: Compiled, given: dict[str, Any], *, plans_anew: bool) -> list[Any]:
        arguments = compiled.arguments(self.context.viewer, {**given, TEXT: self.text})
        return await self.context.database.fetch(compiled.sql, arguments, compiled.row_class, plans_anew=plans_anew)


@dataclass(frozen=True)
class CompiledListing:
    compiled: Compiled
    order: Order
    plans_anew: bool

    @property
    def weight(self) -> int:
        return self.compiled.weight


async def fetch_listing(
    context: Context, method: Callable[..., Listing], arguments: dict[str, Any], entity: Any, field: Field
) -> Page:
    """One page. Raises what the method raises, what is wrong with the arguments, and `InvalidCursor`."""
    args = page_of(field.name, arguments)
    listed = ListRequest.of(context, method, arguments)
    names = field.names or ()

    def make() -> CompiledListing:
        order: list[Order] = []
        plans_anew = False

        def build(viewer: Viewer) -> Select[Any]:
            nonlocal plans_anew
            listing = listed.build(viewer)
            plans_anew = listing.plans_anew
            cut = listing.page(args, is_open=True)
            order.append(cut.order)
            found = [key.column for key in cut.order]
            values = [
                value.label(f"order_{position}")
                for position, value in enumerate(found if field.folds else as_stored(cut.order, found))
            ]
            # The first column stands where fetched relations have their parent's key.
            wanted = [null().label("parent"), *columns_of(entity, names), *values]
            page = cut.statement.with_only_columns(*wanted, maintain_column_froms=True)
            return _with_folds(page, cut.order, args, field.folds, viewer) if field.folds else page

        given = [TEXT, *(f"cursor_{position}" for position in range(10))]
        compiled = compile_for(build, context.viewer, given, row_class(entity))
        return CompiledListing(compiled, order[0], plans_anew or compiled.plans_anew)

    key = listed.key
    shape = None if key is None else (*key, names, field.folds, args.size, args.is_backward, args.cursor is None)
    kept: Any = make() if shape is None else STATEMENTS.get(shape, make)
    rows = await listed.run(kept.compiled, window_values(kept.order, args), plans_anew=kept.plans_anew)
    return make_page(rows, args, lambda: _count(listed), values_of=read_stored(kept.order))


def _with_folds(cut: Select[Any], order: Order, args: PageArgs, folds: Folds, viewer: Viewer) -> Select[Any]:
    """Return the page as a table of its own, in its order, with what its rows lead to."""
    own = cut.subquery("own")
    columns = list(own.c)[: -len(order)]
    selected = folded(own, own, columns, folds, viewer, as_stored(order, ordinals_of(own, order)))
    return selected.order_by(*directed(own, order, backward=args.is_backward))


async def _count(listed: ListRequest) -> Total:
    def build(viewer: Viewer) -> Select[Any]:
        return bounded_count(listed.build(viewer).counted)

    def make() -> Compiled:
        return compile_for(build, listed.context.viewer, [TEXT], Values)

    key = listed.key
    compiled = make() if key is None else STATEMENTS.get((*key, "count"), make)
    # A plan for all values walks through the archive: only with values does an index look as cheap as it is.
    rows = await listed.run(compiled, {}, plans_anew=True)
    return total_of(rows[0][0])
