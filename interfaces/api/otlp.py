"""POST /v1/logs: OpenTelemetry's own way of sending logs (OTLP/HTTP)."""

from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool

from interfaces.api.backend import Backend
from interfaces.api.ingesting import body_of, counted
from interfaces.api.parts import Metrics, System
from interfaces.api.problems import ProblemRaised, bad_request, responses

router = APIRouter(tags=["ingest"])

_PROTOBUF, _JSON = "application/x-protobuf", "application/json"
_EXAMPLE = {
    "resourceLogs": [
        {
            "resource": {
                "attributes": [{"key": "service.name", "value": {"stringValue": "checkout"}}]
            },
            "scopeLogs": [
                {
                    "logRecords": [
                        {
                            "timeUnixNano": "1767607200000000000",
                            "severityNumber": 17,
                            "body": {"stringValue": "disk full"},
                        }
                    ]
                }
            ],
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
_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Taken in and on disk; partialSuccess says how many records were rejected",
        "content": {
            _JSON: {"schema": {"type": "object"}, "example": {}},
            _PROTOBUF: {"schema": {"type": "string", "format": "binary"}},
        },
    }
}


@router.post(
    "/v1/logs",
    summary="Send logs as OpenTelemetry does (OTLP/HTTP)",
    response_class=Response,
    responses=_ANSWERS | responses(400, 403, 413, 415, 421, 429),
    openapi_extra=_BODY,
)
async def post_otlp(request: Request, system: System, metrics: Metrics) -> Response:
    """Takes an ExportLogsServiceRequest in protobuf or JSON, gzip too, at most 16 MiB unpacked.

    Answers with an ExportLogsServiceResponse in the same encoding once the records are on disk.
    Each service (`service.name` of the resource) is a source. 429: the queue is full and nothing
    was taken; exporters send again after Retry-After by themselves.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in (_PROTOBUF, _JSON):
        raise ProblemRaised(
            415,
            "unknown-body",
            "The body is of a kind that is not known",
            f"Content-Type {kind[:60]!r} is not OTLP; send {_PROTOBUF} or {_JSON}",
        )
    body = await body_of(request, request.headers.get("content-encoding", ""))
    answer = await run_in_threadpool(_take_in, system, metrics, body, kind == _JSON)
    return Response(answer, media_type=kind)


def _take_in(system: Backend, metrics: Metrics, body: bytes, json_encoded: bool) -> bytes:
    from infrastructure.collectors.batches import BodyBroken
    from infrastructure.collectors.otlp import KIND, otlp_answer, read_otlp

    try:
        logs = read_otlp(body, json_encoded=json_encoded, formats=system.formats)
    except BodyBroken as broken:
        raise bad_request(
            "broken-otlp", "The body is not OTLP logs", f"{broken}; nothing of it was taken in"
        ) from broken
    sent = sum(len(batch.records) for batch in logs.batches)
    if sent:
        counted(metrics, sent, lambda: system.ingest_records(KIND, logs.batches))
    return otlp_answer(logs, json_encoded=json_encoded)
