"""POST /loki/api/v1/push: what promtail, Alloy, Vector, Fluent Bit and Loki's clients send."""

from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool

from interfaces.api.backend import Backend
from interfaces.api.bodies import MAX_BODY_BYTES, too_large
from interfaces.api.ingesting import body_of, counted
from interfaces.api.parts import Metrics, System
from interfaces.api.problems import bad_request, responses

router = APIRouter(tags=["ingest"])

_PROTOBUF, _JSON = "application/x-protobuf", "application/json"
_EXAMPLE = {
    "streams": [
        {
            "stream": {"app": "checkout", "host": "web1"},
            "values": [["1767607200000000000", "2026-01-05T10:00:00Z ERROR disk full"]],
        }
    ]
}
_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            _PROTOBUF: {"schema": {"type": "string", "format": "binary"}},
            _JSON: {"schema": {"type": "object"}, "example": _EXAMPLE},
        },
    }
}


@router.post(
    "/loki/api/v1/push",
    status_code=204,
    summary="Send logs as to Grafana Loki",
    response_class=Response,
    responses=responses(400, 403, 413, 415, 421, 429),
    openapi_extra=_BODY,
)
async def post_loki(request: Request, system: System, metrics: Metrics) -> Response:
    """Takes Loki's push request: protobuf packed with snappy, or JSON (gzip too); 16 MiB unpacked.

    204: every line is on disk. The labels `service_name`, `service`, `app`, `container` and the
    like name service and source, `job` where there is none of them; the others become attributes.
    429: the queue is full and nothing was taken; senders come back after Retry-After.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    encoding = request.headers.get("content-encoding", "").strip().lower()
    json_encoded = kind == _JSON
    if encoding == "snappy" and not json_encoded:
        encoding = ""  # some senders name what the protobuf form always is
    body = await body_of(request, encoding)
    await run_in_threadpool(_take_in, system, metrics, body, json_encoded)
    return Response(status_code=204)


def _take_in(system: Backend, metrics: Metrics, body: bytes, json_encoded: bool) -> None:
    from infrastructure.collectors.batches import BodyBroken
    from infrastructure.collectors.loki import KIND, read_loki, unpack_snappy

    try:
        unpacked = body if json_encoded else unpack_snappy(body, MAX_BODY_BYTES)
        if unpacked is None:
            raise too_large()
        batches = read_loki(unpacked, json_encoded=json_encoded, formats=system.formats)
    except BodyBroken as broken:
        raise bad_request(
            "broken-push",
            "The body is not a Loki push request",
            f"{broken}; nothing of it was taken in",
        ) from broken
    sent = sum(len(batch.records) for batch in batches)
    if sent:
        counted(metrics, sent, lambda: system.ingest_records(KIND, batches))
