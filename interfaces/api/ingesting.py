"""POST /api/v1/logs: lines from anybody who can speak HTTP."""

import math
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.concurrency import run_in_threadpool

from interfaces.api.backend import Backend, IngestResult, QueueFull
from interfaces.api.bodies import MAX_BODY_BYTES, lines_of, read_body, too_large
from interfaces.api.parts import Metrics, System
from interfaces.api.problems import ProblemRaised, responses
from interfaces.api.telemetry import RequestMetrics

router = APIRouter(prefix="/api/v1", tags=["ingest"])

KIND = "api"
"""The kind of source that lines from here belong to."""

_EXAMPLES = {
    "application/x-ndjson": {
        "schema": {"type": "string"},
        "example": '{"time":"2026-01-05T10:00:00Z","level":"error","message":"disk full"}\n',
    },
    "application/json": {
        "schema": {"type": "array", "items": {}},
        "example": [{"level": "error", "message": "disk full"}, "plain lines are fine too"],
    },
    "text/plain": {
        "schema": {"type": "string"},
        "example": "2026-01-05T10:00:00Z ERROR disk full\n",
    },
}
_BODY: dict[str, Any] = {"requestBody": {"required": True, "content": _EXAMPLES}}


@router.post(
    "/logs",
    status_code=202,
    summary="Send log lines",
    responses=responses(400, 403, 413, 415, 421, 422, 429),
    openapi_extra=_BODY,
)
async def post_logs(
    request: Request,
    system: System,
    metrics: Metrics,
    source: Annotated[
        str,
        Query(
            description="Name of the source; records are addressed as `source#sequence`.",
            pattern=r"^[A-Za-z0-9][A-Za-z0-9._:@+-]*$",
            max_length=100,
            examples=["checkout-api"],
        ),
    ] = "api",
) -> IngestResult:
    """Takes NDJSON, a JSON array or text, gzip too, at most 16 MiB.

    202: taken in. 429: the queue is full and nothing was taken; Retry-After says when to come back.
    """
    body = await body_of(request, request.headers.get("content-encoding", ""))
    lines = lines_of(body, request.headers.get("content-type", "text/plain"))
    return await run_in_threadpool(_take_in, system, metrics, source, list(lines))


def _take_in(system: Backend, metrics: Metrics, source: str, lines: list[str]) -> IngestResult:
    if not lines:
        return IngestResult(accepted=0)
    return counted(metrics, len(lines), lambda: system.ingest(source, lines, KIND))


async def body_of(request: Request, encoding: str) -> bytes:
    """The unpacked body of a request. Raises ProblemRaised (400, 413, 415)."""
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > MAX_BODY_BYTES:
        raise too_large()  # before reading it
    return await read_body(request.stream(), encoding)


def counted(metrics: RequestMetrics, sent: int, take: Callable[[], IngestResult]) -> IngestResult:
    """What `take` took in, counted. Raises ProblemRaised (429) while the queue is full."""
    try:
        result = take()
    except QueueFull as full:
        metrics.ingested(0, refused=sent)
        seconds = max(1, math.ceil(full.retry_after_seconds))
        raise ProblemRaised(
            429,
            "queue-full",
            "The ingest queue is full",
            f"nothing of this request was taken in; send it again in {seconds} s",
            {"Retry-After": str(seconds)},
        ) from full
    metrics.ingested(result.accepted)
    return result
