"""OTLP/HTTP logs: a request of the OpenTelemetry protocol as records.

Sources: https://opentelemetry.io/docs/specs/otlp/ and
https://opentelemetry.io/docs/specs/otel/logs/data-model/. The libraries are imported where they
are used: most commands never receive a request.
"""

import base64
import json
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from domain.logs.cleaning import clean
from domain.logs.formats import FormatCatalogue
from domain.logs.formats.fields import MESSAGE
from domain.logs.record import ORIGINAL, LogRecord
from domain.logs.redaction import Redactor
from domain.logs.service_names import canonical
from domain.logs.severity import severity_of
from domain.logs.source_names import source_name
from domain.logs.structured import (
    as_json,
    bounded_body,
    flatten,
    redact_fields,
    redact_records,
)
from infrastructure.collectors.batches import BodyBroken, Entry, SourceBatch, parse_entries

if TYPE_CHECKING:
    from google.protobuf.message import Message
    from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
    from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
    from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord as OtlpRecord
    from opentelemetry.proto.logs.v1.logs_pb2 import ResourceLogs

KIND = "otlp"

_SERVICE = (
    "service.name",
    "k8s.deployment.name",
    "k8s.statefulset.name",
    "k8s.daemonset.name",
    "k8s.container.name",
    "container.name",
    "faas.name",
)
"""Resource attributes that name the service, the best first."""
_IDS = {"traceId": 16, "spanId": 8}
_LATEST = 2**63


@dataclass(slots=True)
class OtlpLogs:
    """What a request holds. rejected: records that say nothing at all, with the reason."""

    batches: list[SourceBatch] = field(default_factory=list)
    rejected: int = 0
    reason: str = ""


def read_otlp(body: bytes, *, json_encoded: bool, formats: FormatCatalogue) -> OtlpLogs:
    """The records of an ExportLogsServiceRequest. Raises BodyBroken."""
    request = _from_json(body) if json_encoded else _from_protobuf(body)
    redactor = Redactor()
    logs = OtlpLogs()
    for resource_logs in request.resource_logs:
        batch, empty = _batch(resource_logs, formats, redactor)
        if batch.records:
            logs.batches.append(batch)
        logs.rejected += empty
    if logs.rejected:
        logs.reason = "a record needs a body, attributes or an event name; these had none"
    return logs


def otlp_answer(logs: OtlpLogs, *, json_encoded: bool) -> bytes:
    """The ExportLogsServiceResponse in the encoding of its request."""
    from google.protobuf.json_format import MessageToJson
    from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse

    response = ExportLogsServiceResponse()
    if logs.rejected:
        response.partial_success.rejected_log_records = logs.rejected
        response.partial_success.error_message = logs.reason
    if json_encoded:
        return MessageToJson(response, indent=None).encode()
    return response.SerializeToString()


# -- reading the request -------------------------------------------------------------------------


def _from_protobuf(body: bytes) -> "ExportLogsServiceRequest":
    from google.protobuf.message import DecodeError
    from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

    try:
        return ExportLogsServiceRequest.FromString(body)
    except (DecodeError, ValueError, RecursionError) as error:
        raise BodyBroken(
            "the body is no ExportLogsServiceRequest in protobuf, or is nested too deep"
        ) from error


def _from_json(body: bytes) -> "ExportLogsServiceRequest":
    from google.protobuf.json_format import ParseDict, ParseError
    from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

    try:
        document = json.loads(body)
        if not isinstance(document, dict):
            raise BodyBroken("the body is JSON, but no object with resourceLogs")
        _ids_as_protobuf_has_them(document)
        request = ExportLogsServiceRequest()
        ParseDict(document, request, ignore_unknown_fields=True)
    except (ParseError, ValueError, TypeError, RecursionError) as error:
        told = str(error)[:200] or "it is nested too deep"
        raise BodyBroken(f"the body is no ExportLogsServiceRequest in JSON: {told}") from error
    return request


def _ids_as_protobuf_has_them(document: dict[str, Any]) -> None:
    """OTLP writes ids in hex where protobuf's own JSON has base64; an id that is none is dropped.

    (OTLP, section "JSON Protobuf Encoding"; data model: ids that are not valid are left out.)
    """
    for record in _json_records(document):
        for name, size in _IDS.items():
            written = record.get(name)
            if written is None:
                continue
            try:
                identity = bytes.fromhex(written)
            except (ValueError, TypeError):
                identity = b""
            record[name] = base64.b64encode(identity if len(identity) == size else b"").decode()


def _json_records(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    level: list[Any] = [document]
    for key in ("resourceLogs", "scopeLogs", "logRecords"):
        inner = (item.get(key) for item in level if isinstance(item, dict))
        level = [item for items in inner if isinstance(items, list) for item in items]
    yield from (item for item in level if isinstance(item, dict))


# -- records -------------------------------------------------------------------------------------


def _batch(
    logs: "ResourceLogs", formats: FormatCatalogue, redactor: Redactor
) -> tuple[SourceBatch, int]:
    """The records of one resource, and how many said nothing."""
    resource = redact_fields(flatten(_fields(logs.resource.attributes)), redactor)
    named = (str(resource[key]) for key in _SERVICE if resource.get(key))
    service = next((name for name in named if not name.startswith("unknown_service")), "")
    source = source_name(KIND, service or "unknown")
    if service:
        resource["service.name"] = canonical(service)
    else:
        resource.pop("service.name", None)
    batch = SourceBatch(source, [], service)
    lines: list[Entry] = []
    structured: list[LogRecord] = []
    empty = 0

    def understand_lines() -> None:
        if lines:
            batch.records += parse_entries(source, lines, formats, service=service or None)
            lines.clear()

    for scope in logs.scope_logs:
        about_scope = _scope(scope)
        for sent in scope.log_records:
            if not (sent.HasField("body") or sent.attributes or sent.event_name):
                empty += 1
            elif _is_line(sent):
                lines.append(_entry(sent, about_scope, redactor))
            else:
                understand_lines()
                structured.append(_record(sent, about_scope))
                batch.records.append(structured[-1])
    understand_lines()
    redact_records(structured, redactor)
    return _numbered(batch, resource), empty


def _numbered(batch: SourceBatch, resource: Mapping[str, Any]) -> SourceBatch:
    line = 1
    for record in batch.records:
        record.line = line
        line += record.line_count
        record.resource = {**record.resource, **resource}
    return batch


def _is_line(sent: "OtlpRecord") -> bool:
    """Whether this is a line of a log as a collector read it, which nobody has understood yet."""
    understood = sent.severity_number or sent.severity_text or sent.time_unix_nano
    return not understood and sent.body.WhichOneof("value") == "string_value"


def _entry(sent: "OtlpRecord", scope: Mapping[str, Any], redactor: Redactor) -> Entry:
    attributes = redact_fields({**_attributes(sent), **scope}, redactor)
    observed = _time(sent.observed_time_unix_nano)
    return Entry(sent.body.string_value, observed, attributes, *_trace(sent))


def _record(sent: "OtlpRecord", scope: Mapping[str, Any]) -> LogRecord:
    attributes = {**scope, **_attributes(sent)}
    body, about_body = _body(sent)
    label = clean(sent.severity_text)[:32]
    number = min(max(sent.severity_number, 0), 24) or severity_of(label)
    if sent.flags:
        attributes["log.trace_flags"] = sent.flags & 0xFF
    observed = _time(sent.observed_time_unix_nano) or time.time_ns()
    trace_id, span_id = _trace(sent)
    return LogRecord(
        body, observed, _time(sent.time_unix_nano), number, label, {**attributes, **about_body}, {},
        trace_id, span_id,
    )  # fmt: skip


def _body(sent: "OtlpRecord") -> tuple[str, dict[str, Any]]:
    """The message; of a structured body its message field, the rest as attributes."""
    value = _value(sent.body)
    if value is None:
        return clean(sent.event_name), {}
    if isinstance(value, str):
        return bounded_body(value)
    written, about = bounded_body(as_json(value))
    if not isinstance(value, dict):
        return written, about
    fields = flatten(value)
    message = next((str(fields.pop(name)) for name in MESSAGE if fields.get(name)), written)
    return message, {**fields, **about, ORIGINAL: written}


def _attributes(sent: "OtlpRecord") -> dict[str, Any]:
    attributes = flatten(_fields(sent.attributes))
    if sent.event_name:
        attributes["event.name"] = clean(sent.event_name)[:256]
    if sent.dropped_attributes_count:
        attributes["otel.dropped_attributes_count"] = sent.dropped_attributes_count
    return attributes


def _scope(scope_logs: "Message") -> dict[str, Any]:
    scope: Any = scope_logs.scope  # type: ignore[attr-defined]
    about = {f"otel.scope.{key}": value for key, value in _fields(scope.attributes).items()}
    return flatten({**about, "otel.scope.name": scope.name, "otel.scope.version": scope.version})


def _trace(sent: "OtlpRecord") -> tuple[str, str]:
    """Trace and span id in hex; empty where they have the wrong length or are zero."""
    trace = sent.trace_id.hex() if len(sent.trace_id) == 16 and any(sent.trace_id) else ""
    span = sent.span_id.hex() if len(sent.span_id) == 8 and any(sent.span_id) else ""
    return trace, span


def _time(nanoseconds: int) -> int | None:
    """A time that was given and that the store can hold."""
    return nanoseconds if 0 < nanoseconds < _LATEST else None


def _fields(pairs: "Iterable[KeyValue]") -> dict[str, Any]:
    return {pair.key: _value(pair.value) for pair in pairs}


def _value(value: "AnyValue") -> Any:
    kind = value.WhichOneof("value")
    if kind is None:
        return None
    if kind == "array_value":
        return [_value(item) for item in value.array_value.values]
    if kind == "kvlist_value":
        return _fields(value.kvlist_value.values)
    if kind == "bytes_value":
        return base64.b64encode(value.bytes_value).decode()
    return getattr(value, kind)
