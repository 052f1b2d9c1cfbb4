"""GraphQL over HTTP (https://graphql.github.io/graphql-over-http/draft/): POST, and GET for queries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.types.execution import PreExecutionError
from strawberry.types.graphql import OperationType

from auth.tokens import TokenRefused
from schema import Schema
from schema.ports import Ports
from transport.contexts import http_context

RESPONSE_TYPE = "application/graphql-response+json"
JSON_TYPE = "application/json"


class BadRequest(Exception):
    def __init__(self, message: str, *, status: int = 400, code: str = "BAD_USER_INPUT", reason: str = "") -> None:
        self.message, self.status, self.code, self.reason = message, status, code, reason
        super().__init__(message)


@dataclass(frozen=True)
class Parameters:
    query: str
    variables: dict[str, Any] | None
    operation_name: str | None


def response_type(request: Request) -> str:
    """The media type to answer with. Raises `BadRequest` (406) where the client takes neither."""
    accepted = [part.split(";")[0].strip().lower() for part in request.headers.get("accept", "*/*").split(",")]
    for media_type in accepted:
        if media_type == RESPONSE_TYPE:
            return RESPONSE_TYPE
        if media_type in (JSON_TYPE, "application/*", "*/*"):
            return JSON_TYPE
    raise BadRequest("Accept application/graphql-response+json or application/json.", status=406)


async def parameters_of(request: Request) -> Parameters:
    found: Any
    if request.method == "GET":
        found = dict(request.query_params)
        for name in ("variables", "extensions"):
            if found.get(name):
                found[name] = _json(found[name].encode())
    else:
        media_type = request.headers.get("content-type", "").split(";")[0].strip().lower()
        if media_type != JSON_TYPE:
            raise BadRequest("Send application/json.", status=415)
        found = _json(await request.body())
    if not isinstance(found, dict):
        raise BadRequest("The request is not a JSON object.")
    query: Any = found.get("query")
    variables: Any = found.get("variables")
    operation: Any = found.get("operationName")
    if not isinstance(query, str) or not query:
        raise BadRequest("`query` is missing or not a string.")
    if variables is not None and not isinstance(variables, dict):
        raise BadRequest("`variables` is not an object.")
    if operation is not None and not isinstance(operation, str):
        raise BadRequest("`operationName` is not a string.")
    if not isinstance(found.get("extensions") or {}, dict):
        raise BadRequest("`extensions` is not an object.")
    return Parameters(query, variables, operation)


def _json(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadRequest("The request is not valid JSON.") from error


class GraphQLEndpoint:
    def __init__(self, schema: Schema, ports: Ports) -> None:
        self._schema = schema
        self._ports = ports

    async def __call__(self, request: Request) -> Response:
        media_type = JSON_TYPE
        try:
            media_type = response_type(request)
            parameters = await parameters_of(request)
            context = await http_context(self._ports, request)
            allowed = (
                {OperationType.QUERY} if request.method == "GET" else {OperationType.QUERY, OperationType.MUTATION}
            )
            result = await self._schema.execute(
                parameters.query,
                variable_values=parameters.variables,
                operation_name=parameters.operation_name,
                context_value=context,
                allowed_operation_types=allowed,
            )
        except BadRequest as error:
            return self._refusal(media_type, error)
        except TokenRefused as error:
            refusal = BadRequest(
                "The access token is not good.", status=401, code="UNAUTHENTICATED", reason=error.reason
            )
            return self._refusal(media_type, refusal)
        except (CannotGetOperationTypeError, InvalidOperationTypeError):
            status = 405 if request.method == "GET" else 400
            return self._refusal(media_type, BadRequest("This operation cannot be run this way.", status=status))
        return self._answer(media_type, result)

    def _answer(self, media_type: str, result: Any) -> Response:
        body: dict[str, Any] = {}
        if result.errors:
            body["errors"] = [error.formatted for error in result.errors]
        failed_early = isinstance(result, PreExecutionError)
        if not failed_early:
            body["data"] = result.data
        status = 400 if failed_early and media_type == RESPONSE_TYPE else 200
        return Response(orjson.dumps(body), status_code=status, media_type=media_type)

    def _refusal(self, media_type: str, error: BadRequest) -> Response:
        extensions = {"code": error.code} | ({"reason": error.reason} if error.reason else {})
        body = orjson.dumps({"errors": [{"message": error.message, "extensions": extensions}]})
        return Response(body, status_code=error.status, media_type=media_type)
