"""`query`, `connection`, `mutation`, `subscription`: root fields with their gate, their errors, their description."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from functools import update_wrapper, wraps
from typing import Annotated, Any

import strawberry

from dataloaders.core.keyset_pages import Listing, PageArgs, fetch_page
from errors import (
    IdempotencyKeyReused,
    InvalidId,
    InvalidIdempotencyKey,
    OutsideKnownTime,
    RateLimited,
    Required,
    Unauthenticated,
    UserError,
    UserErrors,
)
from models import IdempotencyKey
from resolvers.core.moments import TimeNeedsOffset
from schema.core import ids
from schema.core.access import PUBLIC, Access, check, in_words
from schema.core.arguments import FILTER, INPUT, PAGE_ARGUMENTS, SORT, described, with_page_arguments
from schema.core.connection_types import Connection
from schema.core.context import Context, Info
from schema.core.filters import checked_page
from schema.core.idempotency import check_key, replaying
from schema.core.input_checks import checked, problems_of, together
from schema.core.metadata import ACCESS, COST_KEY, LISTING, LOOKUP, QUOTAS, RAISES, ROW
from schema.core.node_interface import NODES
from schema.core.prices import MUTATION
from schema.core.quotas import EDITS, Quota
from schema.core.streams import Live
from schema.core.user_errors import UserErrorObject, user_errors
from schema.core.variables import InvalidInput

ALWAYS = (
    InvalidId, IdempotencyKeyReused, InvalidIdempotencyKey, Required, TimeNeedsOffset, OutsideKnownTime,
)  # fmt: skip
"""Refusals that any mutation may answer with, beside its own."""


@strawberry.interface(
    description="The result of a mutation: either what was asked for, or `errors` with the reasons for the refusal."
)
class Payload:
    errors: list[UserErrorObject] = strawberry.field(
        default_factory=list, description="The reasons why the mutation was refused. Empty if it succeeded."
    )


@strawberry.interface(description="The result of a mutation that can succeed and still have something to point out.")
class PayloadWithWarnings(Payload):
    warnings: list[UserErrorObject] = strawberry.field(
        default_factory=list,
        description="What may be a mistake although the mutation succeeded, such as TIME_CONFLICT.",
    )


@strawberry.input(description="The fields that the input of every mutation has.")
class MutationInput:
    idempotency_key: str | None = strawberry.field(
        default=None,
        description=f"Makes a retry safe: for {IdempotencyKey.LIFETIME // timedelta(hours=1)} hours, the same key "
        "with the same input returns the same answer and takes effect only once. 8 to 200 "
        "characters; use a random UUID.",
        metadata=checked(check_key),
    )


def query(
    *,
    description: str,
    access: Access,
    graphql_type: Any = None,
    deprecation_reason: str | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> Callable[[Callable[..., Any]], Any]:
    """Make a root query. A `UserError` that it raises becomes a top-level error."""

    def decorate(method: Callable[..., Any]) -> Any:
        @wraps(method)
        async def resolve(self: Any, info: Info, **arguments: Any) -> Any:
            check(access, info.context.viewer)
            return await method(self, info, **arguments)

        return strawberry.field(
            resolver=resolve,
            description=f"{description} {in_words(access)}",
            graphql_type=graphql_type,
            deprecation_reason=deprecation_reason,
            metadata={ACCESS: access, **(metadata or {})},
        )

    return decorate


def connection(*, description: str, access: Access, of: Any) -> Callable[[Callable[..., Listing]], Any]:
    """Make a root connection over rows of the type `of`: the plain method answers which list, the page is read here.

    Where not everyone may ask it is nullable, so that a refusal leaves the operation's other fields their answers.
    """
    answer = Connection[of] if access is PUBLIC else Connection[of] | None

    def decorate(method: Callable[..., Listing]) -> Any:
        async def resolve(self: Any, info: Info, **arguments: Any) -> Any:
            page = page_of(info.field_name, arguments)
            found = await fetch_page(info.context.database, method(self, info, **arguments), page)
            info.context.spending.count(1 + len(found.rows))
            return found

        update_wrapper(resolve, method)
        resolve.__signature__ = described(method, filter=FILTER, sort=SORT)  # type: ignore[attr-defined]  # PEP 362
        resolver = with_page_arguments(resolve)
        metadata = {LISTING: method, ROW: of.row_class}
        return query(description=description, access=access, graphql_type=answer, metadata=metadata)(resolver)

    return decorate


def page_of(name: str, arguments: dict[str, Any]) -> PageArgs:
    """Return the slice that a root connection is asked for, taken out of its arguments. Raises what is wrong with
    these.

    `name` is the field's.
    """
    given = {one.name: arguments.pop(one.name, None) for one in PAGE_ARGUMENTS}
    return checked_page(name, given, arguments.get("filter"), arguments.get("sort"), is_root=True)


def looked_up(of: Any, *, description: str, access: Access) -> Any:
    """Make a root field with the argument `id`: the row of a type by its global id, null where it is missing or
    hidden.
    """
    declaration, name = NODES[of.__name__], of.__name__

    async def resolve(
        self: Any,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The id of the object.")],
    ) -> Any:
        return await info.context.loaders.load(declaration, ids.decode(id, name, "id"))

    metadata = {LOOKUP: declaration}
    return query(description=description, access=access, graphql_type=of | None, metadata=metadata)(resolve)


def mutation(
    *,
    description: str,
    access: Access,
    raises: Sequence[type[UserError]] = (),
    quotas: Sequence[Quota] = (EDITS,),
    price: int = MUTATION,
    gathers: bool = False,
) -> Callable[[Callable[..., Any]], Any]:
    """Make a mutation `(self, info, input) -> SomePayload`. `price` is its cost (`schema/core/prices.py`).

    Classes in `raises` become the payload's `errors`; any other exception stays a bug and is masked. A caller whom
    the gate refuses gets a top-level error and null, so that other fields of the operation keep their answers.

    What is wrong with the input in itself is told at once, and nothing is done. A rule that `gathers` finds it again,
    together with what only the database knows; it is asked for all of that where every id is one.

    `quotas` are what it counts as. Guests have none: their mutations limit themselves (`auth/throttle.py`).
    """
    quotas = () if access is PUBLIC else tuple(quotas)
    raises = (*raises, RateLimited) if quotas and RateLimited not in raises else tuple(raises)
    declared: tuple[type[UserError], ...] = (*raises, *ALWAYS)

    def decorate(method: Callable[..., Any]) -> Any:
        payload_type = _payload_type(method)
        signature = described(method, input=INPUT)

        @wraps(method)
        async def resolve(self: Any, info: Info, input: Any) -> Any:
            context: Context = info.context
            check(access, context.viewer)
            if isinstance(input.idempotency_key, InvalidInput):
                return payload_type(errors=user_errors(UserErrors(input.idempotency_key.problems), context.reader))
            wrong = problems_of(input)

            async def attempt() -> Any:
                try:
                    if wrong and (not gathers or any(isinstance(one, InvalidId) for one in wrong)):
                        raise UserErrors(())
                    context.in_vain = bool(wrong)
                    async with context.ports.quotas.counted(context.viewer, quotas, input):
                        return await method(self, info, input)
                except Unauthenticated:
                    raise
                except (UserError, UserErrors) as error:
                    found = together(wrong, error.errors if isinstance(error, UserErrors) else [error])
                    if not all(isinstance(one, declared) for one in found):
                        raise UndeclaredError(method.__name__) from error
                    return payload_type(errors=user_errors(UserErrors(found), context.reader))
                finally:
                    context.in_vain = False

            if any(isinstance(one, InvalidIdempotencyKey) for one in wrong):
                return payload_type(errors=user_errors(UserErrors(wrong), context.reader))
            try:
                return await replaying(context, method.__name__, input, payload_type, attempt)
            except IdempotencyKeyReused as error:
                return payload_type(errors=user_errors(error, context.reader))

        resolve.__signature__ = signature  # type: ignore[attr-defined]  # what `inspect` looks for before all else
        codes = sorted({error.code.value for error in declared})
        return strawberry.mutation(
            resolver=resolve,
            graphql_type=payload_type | None,
            description=f"{description} {in_words(access)} Error codes: {', '.join(codes)}.",
            metadata={ACCESS: access, RAISES: raises, QUOTAS: quotas, COST_KEY: price},
        )

    return decorate


def subscription(*, description: str, access: Access) -> Callable[[Callable[..., Any]], Any]:
    """Make a live stream. The method answers a `Stream`, or an async generator, which is closed when the client
    goes.
    """

    def decorate(method: Callable[..., Any]) -> Any:
        @wraps(method)
        def resolve(self: Any, info: Info, **arguments: Any) -> Any:
            def begin() -> Any:
                check(access, info.context.viewer)
                return method(self, info, **arguments)

            return Live(begin, info.context.ports.hub)

        return strawberry.subscription(
            resolver=resolve, description=f"{description} {in_words(access)}", metadata={ACCESS: access}
        )

    return decorate


class UndeclaredError(Exception):
    """A rule raised a refusal that its mutation does not declare: a bug of ours."""


def _payload_type(method: Callable[..., Any]) -> Any:
    returned = inspect.get_annotations(method)["return"]
    return getattr(sys.modules[method.__module__], returned) if isinstance(returned, str) else returned
