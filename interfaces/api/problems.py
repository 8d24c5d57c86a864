"""Errors as RFC 9457 problem details: what was wrong, where, and what to do about it."""

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict
from starlette.exceptions import HTTPException

from application.event_log import ConcurrentAppend
from infrastructure.event_store.chunks import ChunkCorrupted
from infrastructure.event_store.sqlite_log import StoreUnusable
from projections.projector import ReadModelUnusable

MEDIA_TYPE = "application/problem+json"
_TYPE = "urn:aiops:problem:"


class Problem(BaseModel):
    """The body of every answer that is not a success (RFC 9457)."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": "urn:aiops:problem:not-found",
                    "title": "There is no such incident",
                    "status": 404,
                    "detail": "no incident 'abc'; GET /api/v1/incidents lists them",
                }
            ]
        }
    )

    type: str
    title: str
    status: int
    detail: str
    """What was wrong and what to do."""


class ProblemRaised(Exception):
    """Ends a request with this problem."""

    def __init__(
        self, status: int, kind: str, title: str, detail: str, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.problem = Problem(type=_TYPE + kind, title=title, status=status, detail=detail)
        self.headers = headers or {}


def not_found(what: str, name: str, remedy: str) -> ProblemRaised:
    """404: there is no `what` called `name`."""
    return ProblemRaised(
        404, "not-found", f"There is no such {what}", f"no {what} {name[:80]!r}; {remedy}"
    )


def bad_request(kind: str, title: str, detail: str) -> ProblemRaised:
    """400: the request cannot be understood."""
    return ProblemRaised(400, kind, title, detail)


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The problem answers of a route, for its OpenAPI description."""
    return {
        status: {"description": _TITLES[status], "content": {MEDIA_TYPE: {"schema": _REFERENCE}}}
        for status in statuses
    }


_REFERENCE = {"$ref": "#/components/schemas/Problem"}
_TITLES = {
    400: "The request cannot be understood",
    403: "Refused: sent by a page of another site",
    404: "There is no such thing",
    409: "It is not in a state that allows this",
    413: "The body is too large",
    415: "The body is of a kind that is not known",
    421: "Refused: the Host header names somebody else",
    422: "A parameter is wrong",
    429: "The ingest queue is full; try again after Retry-After seconds",
    503: "A part is not ready",
}


def answer(problem: Problem, headers: dict[str, str] | None = None) -> JSONResponse:
    """The problem as an HTTP response."""
    return JSONResponse(
        problem.model_dump(), problem.status, headers=headers, media_type=MEDIA_TYPE
    )


def _sentence(error: dict[str, Any]) -> str:
    place = ".".join(str(part) for part in error["loc"])
    return f"{place}: {error['msg']}"


_FAILURES: tuple[tuple[type[Exception], int, str, str], ...] = (
    (ReadModelUnusable, 503, "read-model-unusable", "A read model cannot be used"),
    (StoreUnusable, 503, "store-unusable", "The event store cannot be used"),
    (ConcurrentAppend, 409, "moved-on", "Somebody else was faster; look again and repeat"),
    (TimeoutError, 503, "too-slow", "It took too long"),
    (ChunkCorrupted, 500, "chunk-damaged", "Some records are damaged"),
)
"""Failures that know themselves what was wrong and what to do."""


def _telling(
    status: int, kind: str, title: str
) -> Callable[[Request, Exception], Awaitable[Response]]:
    async def tell(_request: Request, error: Exception) -> Response:
        told = str(error) or "try again; 'aiops doctor' looks for what is slow or broken"
        return answer(Problem(type=_TYPE + kind, title=title, status=status, detail=told))

    return tell


def install(app: FastAPI) -> None:
    """Let every failure of `app` leave as a problem."""

    @app.exception_handler(ProblemRaised)
    async def raised(_request: Request, error: ProblemRaised) -> JSONResponse:
        return answer(error.problem, error.headers)

    for failure, status, kind, title in _FAILURES:
        app.add_exception_handler(failure, _telling(status, kind, title))

    @app.exception_handler(Exception)
    async def failed(_request: Request, error: Exception) -> JSONResponse:
        return answer(
            Problem(
                type=_TYPE + "failed",
                title="The program failed",
                status=500,
                detail=f"{type(error).__name__}; the output of 'aiops up' tells where, "
                "please report it",
            )
        )

    @app.exception_handler(RequestValidationError)
    async def invalid(_request: Request, error: RequestValidationError) -> JSONResponse:
        found = "; ".join(_sentence(entry) for entry in error.errors()[:5])
        detail = f"{found}; /docs lists every parameter with an example"
        return answer(
            Problem(
                type=_TYPE + "invalid-parameter",
                title="A parameter is wrong",
                status=422,
                detail=detail,
            )
        )

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> JSONResponse:
        if error.status_code == 404:
            detail = f"there is nothing at {request.url.path[:200]!r}; /docs lists every address"
        elif error.status_code == 405:
            detail = f"{request.method} is not allowed here; /docs lists what is"
        else:
            detail = str(error.detail)
        problem = Problem(
            type=_TYPE + f"http-{error.status_code}",
            title=str(error.detail),
            status=error.status_code,
            detail=detail,
        )
        return answer(problem, dict(error.headers or {}))
