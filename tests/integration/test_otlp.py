"""OTLP/HTTP: what the real OpenTelemetry SDK sends, and what somebody hostile does."""

import gzip
import json
import logging
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from opentelemetry._logs import LogRecord as SdkRecord
from opentelemetry._logs import SeverityNumber
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsServiceRequest,
    ExportLogsServiceResponse,
)
from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider

from application.chunking import Chunk
from application.intake import DEFAULT_CAPACITY, Origin
from domain.logs.record import ERROR, ORIGINAL, LogRecord
from tests.served_system import ServedSystem

PROTOBUF, JSON = "application/x-protobuf", "application/json"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedSystem]:
    served = ServedSystem(tmp_path_factory.mktemp("otlp"))
    yield served
    served.close()


def provider(served: ServedSystem, service: str, compression: Compression) -> LoggerProvider:
    """The SDK set up as its documentation shows, sending to us."""
    made = LoggerProvider(Resource.create({"service.name": service, "host.name": "web1"}))
    exporter = OTLPLogExporter(f"{served.url}/v1/logs", compression=compression)
    made.add_log_record_processor(BatchLogRecordProcessor(exporter))
    return made


def post(served: ServedSystem, body: bytes | dict[str, Any], kind: str = JSON) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return served.client.post("/v1/logs", content=content, headers={"Content-Type": kind})


def request_of(*records: dict[str, Any], service: str) -> dict[str, Any]:
    """An ExportLogsServiceRequest in JSON."""
    attribute = {"key": "service.name", "value": {"stringValue": service}}
    return {
        "resourceLogs": [
            {"resource": {"attributes": [attribute]}, "scopeLogs": [{"logRecords": list(records)}]}
        ]
    }


@pytest.fixture(autouse=True)
def _sending_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The crew engine switches this process's OpenTelemetry off; here it is the real sender."""
    monkeypatch.delenv("OTEL_SDK_DISABLED", raising=False)


@pytest.mark.filterwarnings("ignore:`LoggingHandler`:DeprecationWarning")
@pytest.mark.parametrize("compression", [Compression.NoCompression, Compression.Gzip])
def test_what_the_sdk_logs_arrives_whole(served: ServedSystem, compression: Compression) -> None:
    """Severity, time, resource, logger, exception, trace and span are those of the sender."""
    service = f"checkout-{compression.value}"
    sdk = provider(served, service, compression)
    logger = logging.getLogger(f"shop.{compression.value}")
    logger.propagate = False
    logger.addHandler(LoggingHandler(logger_provider=sdk))
    with TracerProvider().get_tracer("test").start_as_current_span("pay") as span:
        try:
            raise ConnectionRefusedError("db:5432 refused")
        except ConnectionRefusedError:
            logger.exception("payment failed for order %d", 7, extra={"order": 7})
        context = span.get_span_context()
    sdk.shutdown()
    (record,) = served.records()[f"otlp-{service}"]
    assert record.body == "payment failed for order 7"
    assert (record.severity_number, record.severity_text) == (ERROR, "ERROR")
    assert record.timestamp is not None
    assert record.timestamp <= record.observed_timestamp
    assert record.service == service
    assert record.resource["host.name"] == "web1"
    assert record.attributes["otel.scope.name"] == f"shop.{compression.value}"
    assert record.attributes["exception.type"] == "ConnectionRefusedError"
    assert "db:5432 refused" in record.attributes["exception.stacktrace"]
    assert record.attributes["order"] == 7
    assert record.trace_id == f"{context.trace_id:032x}"
    assert record.span_id == f"{context.span_id:016x}"


def test_a_structured_body_keeps_its_fields(served: ServedSystem) -> None:
    """Its message is the body, the rest are attributes, and the whole is kept as it was."""
    sdk = provider(served, "structured", Compression.Gzip)
    sdk.get_logger("jobs").emit(
        SdkRecord(
            body={"message": "job failed", "job": {"id": 7, "tags": ["a", "b"]}},
            severity_number=SeverityNumber.ERROR2,
            event_name="job.failed",
        )
    )
    sdk.shutdown()
    (record,) = served.records()["otlp-structured"]
    assert record.body == "job failed"
    assert record.severity_number == 18
    assert record.attributes["job.id"] == 7
    assert record.attributes["job.tags"] == ["a", "b"]
    assert record.attributes["event.name"] == "job.failed"
    assert json.loads(record.attributes[ORIGINAL])["job"]["id"] == 7


def test_secrets_are_redacted_wherever_they_stand(served: ServedSystem) -> None:
    """In the body, in an attribute by its name, nested, and in the resource."""
    body = request_of(
        {
            "body": {"stringValue": "login with password=hunter2secret failed"},
            "severityNumber": 17,
            "attributes": [
                {"key": "db.password", "value": {"stringValue": "s3cr3t-of-db"}},
                {
                    "key": "request",
                    "value": {
                        "kvlistValue": {
                            "values": [
                                {"key": "api_key", "value": {"stringValue": "k3y-0f-nested"}}
                            ]
                        }
                    },
                },
            ],
        },
        service="secretive",
    )
    body["resourceLogs"][0]["resource"]["attributes"].append(
        {"key": "deploy.token", "value": {"stringValue": "t0ken-in-resource"}}
    )
    assert post(served, body).status_code == 200
    (record,) = served.records()["otlp-secretive"]
    everything = repr(record)
    for secret in ("hunter2secret", "s3cr3t-of-db", "k3y-0f-nested", "t0ken-in-resource"):
        assert secret not in everything
    assert record.attributes["db.password"] == "[REDACTED:password]"


def test_json_has_ids_in_hex_and_numbers_as_text(served: ServedSystem) -> None:
    """OTLP's JSON differs from protobuf's own; the answer is JSON too."""
    body = request_of(
        {
            "timeUnixNano": "1767607200000000001",
            "severityText": "Warning",
            "severityNumber": 13,
            "body": {"stringValue": "slow"},
            "traceId": "5B8EFFF798038103D269B633813FC60C",
            "spanId": "EEE19B7EC3C1B174",
            "attributes": [{"key": "n", "value": {"intValue": "9007199254740993"}}],
            "aFieldOfTomorrow": {"x": 1},
        },
        service="json-sender",
    )
    answer = post(served, gzip.compress(json.dumps(body).encode()))
    assert answer.status_code == 400  # packed, and does not say so
    answer = served.client.post(
        "/v1/logs",
        content=gzip.compress(json.dumps(body).encode()),
        headers={"Content-Type": "application/json; charset=utf-8", "Content-Encoding": "gzip"},
    )
    assert (answer.status_code, answer.json()) == (200, {})
    assert answer.headers["content-type"] == JSON
    (record,) = served.records()["otlp-json-sender"]
    assert record.timestamp == 1767607200000000001
    assert record.trace_id == "5b8efff798038103d269b633813fc60c"
    assert record.span_id == "eee19b7ec3c1b174"
    assert record.attributes["n"] == 9007199254740993


def test_lines_a_collector_only_read_are_understood(served: ServedSystem) -> None:
    """A text body without severity and time is parsed: format, time, multi-line."""
    lines = [
        "2026-03-04 10:00:00,123 ERROR shop.basket cannot save",
        "Traceback (most recent call last):",
        '  File "/srv/shop/save.py", line 7, in save',
        "OSError: [Errno 28] No space left on device",
        "2026-03-04 10:00:01,000 INFO shop.basket next",
    ]
    body = request_of(
        *({"body": {"stringValue": line}, "observedTimeUnixNano": "5"} for line in lines),
        service="raw-lines",
    )
    assert post(served, body).status_code == 200
    failed, after = served.records()["otlp-raw-lines"]
    assert failed.severity_number == ERROR
    assert failed.attributes["exception.type"] == "OSError"
    assert (failed.line, failed.line_count, after.line) == (1, 4, 5)
    assert failed.service == after.service == "raw-lines"


def test_lines_go_on_where_the_last_request_stopped(served: ServedSystem) -> None:
    """Two requests of one service number their records through."""
    for _ in range(2):
        body = request_of(*({"body": {"stringValue": "x"}, "severityNumber": 9},) * 3, service="on")
        assert post(served, body).status_code == 200
    assert [record.line for record in served.records()["otlp-on"]] == [1, 2, 3, 4, 5, 6]


def test_records_that_say_nothing_are_rejected_and_counted(served: ServedSystem) -> None:
    """partial_success says how many, in the encoding of the request; the others are taken."""
    body = request_of({"body": {"stringValue": "here"}}, {}, {"severityNumber": 9}, service="part")
    told = post(served, body).json()["partialSuccess"]
    assert int(told["rejectedLogRecords"]) == 2
    assert "body" in told["errorMessage"]
    request = ExportLogsServiceRequest()
    request.resource_logs.add().scope_logs.add().log_records.add()
    answer = post(served, request.SerializeToString(), PROTOBUF)
    assert answer.headers["content-type"] == PROTOBUF
    response = ExportLogsServiceResponse.FromString(answer.content)
    assert response.partial_success.rejected_log_records == 1
    assert len(served.records()["otlp-part"]) == 1


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"\xff\xff\xff\xff not protobuf", PROTOBUF),
        (b"{", JSON),
        (b"[]", JSON),
        (b'{"resourceLogs": 7}', JSON),
        (b'{"resourceLogs": [{"scopeLogs": [{"logRecords": [{"timeUnixNano": "x"}]}]}]}', JSON),
        (b'{"resourceLogs": ' + b"[" * 50_000 + b"]" * 50_000 + b"}", JSON),
    ],
)
def test_what_is_not_otlp_is_refused(served: ServedSystem, body: bytes, kind: str) -> None:
    """400 as problem details that say what is wrong."""
    answer = post(served, body, kind)
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"]


def test_values_nested_too_deep_are_refused(served: ServedSystem) -> None:
    """A thousand lists in one another are no log; the server goes on."""
    value: dict[str, Any] = {"stringValue": "deep"}
    for _ in range(200):
        value = {"arrayValue": {"values": [value]}}
    assert post(served, request_of({"body": value}, service="deep")).status_code == 400
    nested = b"\x2a\x00"
    for _ in range(1000):  # AnyValue.array_value.values, around and around
        inner = b"\x0a" + _varint(len(nested)) + nested
        nested = b"\x2a" + _varint(len(inner)) + inner
    record = b"\x2a" + _varint(len(nested)) + nested
    scope = b"\x12" + _varint(len(record)) + record
    resource = b"\x12" + _varint(len(scope)) + scope
    request = b"\x0a" + _varint(len(resource)) + resource
    assert post(served, request, PROTOBUF).status_code == 400
    assert served.client.get("/healthz").status_code == 200


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def test_another_kind_of_body_is_refused(served: ServedSystem) -> None:
    """415 names what is taken."""
    answer = post(served, b"x", "text/plain")
    assert answer.status_code == 415
    assert PROTOBUF in answer.json()["detail"]


def test_a_small_body_cannot_unpack_to_a_huge_one(served: ServedSystem) -> None:
    """413 instead of gigabytes of memory."""
    answer = served.client.post(
        "/v1/logs",
        content=gzip.compress(b" " * (17 << 20)),
        headers={"Content-Type": JSON, "Content-Encoding": "gzip"},
    )
    assert answer.status_code == 413


def test_hostile_names_make_harmless_sources(served: ServedSystem) -> None:
    """No path, no escape sequence, no endless name; attributes are bounded in number and size."""
    attributes = [{"key": f"k{n}", "value": {"stringValue": "v"}} for n in range(1000)]
    attributes[0] = {"key": "k\x1b[31m" * 100, "value": {"stringValue": "\x1b[31m" + "y" * 99_999}}
    body = request_of(
        {"body": {"stringValue": "x\x00\x1b[2J\u202e"}, "attributes": attributes},
        service="../../etc/passwd\x1b[31m" + "z" * 500,
    )
    assert post(served, body).status_code == 200
    (source,) = [name for name in served.records() if "passwd" in name]
    assert "/" not in source
    assert ".." not in source
    assert len(source) <= 160
    (record,) = served.records()[source]
    assert "\x1b" not in repr(record.body + record.service)
    assert len(record.attributes) <= 130
    assert max(len(str(value)) for value in record.attributes.values()) <= 16 * 1024


def test_a_sender_that_invents_services_shares_one_source(served: ServedSystem) -> None:
    """The number of sources is bounded; the records still say their service."""
    logs: dict[str, Any] = {"resourceLogs": []}
    for n in range(600):
        logs["resourceLogs"] += request_of(
            {"body": {"stringValue": "x"}, "severityNumber": 9}, service=f"invented-{n}"
        )["resourceLogs"]
    assert post(served, logs).status_code == 200
    shared = served.records()["otlp-other"]
    assert len(shared) >= 100
    assert shared[-1].service == "invented-599"


def test_a_full_queue_sends_the_exporter_away(tmp_path: Path) -> None:
    """429 with Retry-After while nothing can be written; afterwards the same request is taken."""
    served = ServedSystem(tmp_path, writing=False)
    intake = served.system.write_side.intake
    intake.submit(Origin("big", "api", "test"), Chunk([LogRecord("x", 1)], size=DEFAULT_CAPACITY))
    body = request_of({"body": {"stringValue": "x"}, "severityNumber": 9}, service="late")
    answer = post(served, body)
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) >= 1
    served.system.write_side.start_writer()
    while post(served, body).status_code == 429:  # until the writer has made room
        time.sleep(0.05)
    assert len(served.records()["otlp-late"]) == 1
    served.close()
