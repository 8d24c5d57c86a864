"""Grafana Loki's push API: labelled streams of lines as records.

Source: https://grafana.com/docs/loki/latest/reference/loki-http-api/#ingest-logs and
pkg/push/push.proto of grafana/loki, of which the messages below are a copy, written as
descriptors so that no generated code needs to be kept.
"""

import json
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from domain.logs.cleaning import clean
from domain.logs.formats import FormatCatalogue
from domain.logs.redaction import Redactor
from domain.logs.service_names import canonical
from domain.logs.severity import severity_of
from domain.logs.source_names import source_name
from domain.logs.structured import MAX_FIELDS, flatten, redact_fields
from infrastructure.collectors.batches import BodyBroken, Entry, SourceBatch, parse_entries

KIND = "loki"

_SERVICE = (
    "service_name",
    "service",
    "app",
    "application",
    "app_kubernetes_io_name",
    "container",
    "container_name",
    "compose_service",
    "unit",
)
"""Labels that name one service, the best first; promtail, Alloy and clients set them."""
_COLLECTIONS = ("job", "filename")
"""Labels that may gather several services: they name the source, and a service as a last resort."""
_RESOURCE = {
    "host": "host.name", "hostname": "host.name", "node": "host.name", "node_name": "host.name",
    "namespace": "k8s.namespace.name", "pod": "k8s.pod.name", "container": "k8s.container.name",
    "cluster": "k8s.cluster.name", "env": "deployment.environment.name",
    "environment": "deployment.environment.name",
}  # fmt: skip
"""Labels that describe who wrote, under OpenTelemetry's names."""
_RENAMED = {"filename": "log.file.path", "stream": "log.iostream", "logger": "log.logger"}
_LEVEL = ("level", "detected_level", "severity")
_TRACE = ("trace_id", "traceID", "traceId")
_SPAN = ("span_id", "spanID", "spanId")
_HEX = re.compile(r"[0-9a-fA-F]{16}(?:[0-9a-fA-F]{16})?")
_LABEL = re.compile(
    r'\s*([A-Za-z_][A-Za-z0-9_.:]{0,255})\s*=\s*("(?:[^"\\]|\\.)*"|`[^`]*`)\s*(,|$)'
)
_LATEST = 2**63

Labels = dict[str, str]


@dataclass(slots=True)
class _Sent:
    """One line as it was sent. time: nanoseconds since 1970 (UTC)."""

    time: int
    text: str
    metadata: Mapping[str, Any] = field(default_factory=dict)


def read_loki(body: bytes, *, json_encoded: bool, formats: FormatCatalogue) -> list[SourceBatch]:
    """The records of a push request, a batch for each stream. Raises BodyBroken.

    A protobuf body has been unpacked from its snappy already.
    """
    streams = _from_json(body) if json_encoded else _from_protobuf(body)
    redactor = Redactor()
    return [_batch(labels, sent, formats, redactor) for labels, sent in streams if sent]


def unpack_snappy(body: bytes, most: int) -> bytes | None:
    """What was packed with snappy's block format; None where it is longer than `most` bytes.

    Raises BodyBroken for what is no snappy.
    """
    import cramjam

    try:
        if cramjam.snappy.decompress_raw_len(body) > most:  # the length it says itself, a varint
            return None
        return bytes(cramjam.snappy.decompress_raw(body))
    except (cramjam.DecompressionError, ValueError, OverflowError) as error:
        raise BodyBroken(f"the body cannot be unpacked with snappy: {error}") from error


# -- reading the request -------------------------------------------------------------------------


def _from_json(body: bytes) -> list[tuple[Labels, list[_Sent]]]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BodyBroken(f"the body is no JSON: {str(error)[:200]}") from error
    streams = document.get("streams") if isinstance(document, dict) else None
    if not isinstance(streams, list):
        raise BodyBroken('the body is JSON without "streams": [{"stream": {..}, "values": [..]}]')
    return [_json_stream(number, stream) for number, stream in enumerate(streams)]


def _json_stream(number: int, stream: Any) -> tuple[Labels, list[_Sent]]:
    if not isinstance(stream, dict):
        raise BodyBroken(f"streams[{number}] is no object")
    labels, values = stream.get("stream", {}), stream.get("values", [])
    if not isinstance(labels, dict) or not isinstance(values, list):
        raise BodyBroken(f"streams[{number}] needs an object `stream` and a list `values`")
    sent = []
    for place, value in enumerate(values):
        try:
            when, text, *rest = value
            metadata = rest[0] if rest else {}
            if not isinstance(text, str) or not isinstance(metadata, dict):
                raise TypeError
            sent.append(_Sent(int(when), text, metadata))
        except (TypeError, ValueError) as error:
            raise BodyBroken(
                f"streams[{number}].values[{place}] is not "
                '["<nanoseconds since 1970>", "<line>", {<metadata>}]'
            ) from error
    return {str(key): str(value) for key, value in labels.items()}, sent


def _from_protobuf(body: bytes) -> list[tuple[Labels, list[_Sent]]]:
    from google.protobuf.message import DecodeError

    try:
        request = _push_request().FromString(body)
    except (DecodeError, ValueError, RecursionError) as error:
        raise BodyBroken("the body is no Loki PushRequest in protobuf") from error
    return [
        (
            _labels(stream.labels),
            [
                _Sent(
                    entry.timestamp.seconds * 10**9 + entry.timestamp.nanos,
                    entry.line,
                    {pair.name: pair.value for pair in entry.structuredMetadata},
                )
                for entry in stream.entries
            ],
        )
        for stream in request.streams
    ]


def _labels(text: str) -> Labels:
    """The labels in `{job="shop", host="a"}`. Raises BodyBroken."""
    inner = text.strip()
    if not (inner.startswith("{") and inner.endswith("}")):
        raise BodyBroken(f"labels {text[:80]!r} are not in braces")
    inner = inner[1:-1].strip()
    labels: Labels = {}
    at = 0
    while at < len(inner):
        match = _LABEL.match(inner, at)
        if match is None:
            raise BodyBroken(f'labels {text[:80]!r} cannot be read; write {{name="value", ...}}')
        labels[match[1]] = _unquoted(match[2])
        at = match.end()
    return labels


def _unquoted(quoted: str) -> str:
    """A Go string literal; its escapes that JSON does not know stay as they are."""
    if quoted.startswith("`"):
        return quoted[1:-1]
    try:
        return str(json.loads(quoted, strict=False))
    except ValueError:
        return quoted[1:-1]


@cache
def _push_request() -> Any:
    """The class of logproto.PushRequest."""
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
    from google.protobuf.timestamp_pb2 import DESCRIPTOR as TIMESTAMP

    kinds = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(
        name="aiops/loki_push.proto",
        package="logproto",
        syntax="proto3",
        dependency=[TIMESTAMP.name],
    )

    def message(name: str, *fields: tuple[int, str, str]) -> None:
        described = file.message_type.add(name=name)
        for number, field_name, kind in fields:
            repeated = kind.startswith("repeated ")
            kind_name = kind.removeprefix("repeated ")
            described.field.add(
                name=field_name,
                number=number,
                label=kinds.LABEL_REPEATED if repeated else kinds.LABEL_OPTIONAL,
                type=kinds.TYPE_STRING if kind_name == "string" else kinds.TYPE_MESSAGE,
                type_name=None if kind_name == "string" else kind_name,
            )

    message("PushRequest", (1, "streams", "repeated .logproto.StreamAdapter"))
    message(
        "StreamAdapter",
        (1, "labels", "string"),
        (2, "entries", "repeated .logproto.EntryAdapter"),
    )
    message(
        "EntryAdapter",
        (1, "timestamp", ".google.protobuf.Timestamp"),
        (2, "line", "string"),
        (3, "structuredMetadata", "repeated .logproto.LabelPairAdapter"),
    )
    message("LabelPairAdapter", (1, "name", "string"), (2, "value", "string"))
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(TIMESTAMP.serialized_pb)
    pool.AddSerializedFile(file.SerializeToString())
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("logproto.PushRequest"))


# -- records -------------------------------------------------------------------------------------


def _batch(
    labels: Labels, sent: Sequence[_Sent], formats: FormatCatalogue, redactor: Redactor
) -> SourceBatch:
    labels = dict(list(labels.items())[:MAX_FIELDS])
    service = next((labels[name] for name in _SERVICE if labels.get(name)), "")
    if service.startswith("unknown_service"):  # what Loki calls streams without any such label
        service = ""
    service = clean(redactor.redact(service.removesuffix(".service")))[:100]
    collection = next((labels[name] for name in _COLLECTIONS if labels.get(name)), "")
    source = source_name(KIND, service or collection or "stream")
    entries = [_entry(line, redactor) for line in sent]
    records = parse_entries(source, entries, formats, service=service or None)
    resource, attributes = _meaning(labels, redactor)
    level = next((labels[name] for name in _LEVEL if labels.get(name)), "")
    job = canonical(clean(redactor.redact(labels.get("job", ""))).rsplit("/", 1)[-1])[:100]
    for record in records:
        if not record.severity_number and severity_of(level):
            record.severity_number, record.severity_text = severity_of(level), level
        record.resource = {**resource, **record.resource}
        if job:
            record.resource.setdefault("service.name", job)
        record.attributes = {**attributes, **record.attributes}
    return SourceBatch(source, records, service or job)


def _meaning(labels: Labels, redactor: Redactor) -> tuple[dict[str, Any], dict[str, Any]]:
    """Labels as resource and as attributes of each record."""
    resource: dict[str, Any] = {}
    attributes: dict[str, Any] = {}
    for name, value in redact_fields(flatten(labels), redactor).items():
        if name in _RESOURCE:
            resource[_RESOURCE[name]] = value
        elif name not in _SERVICE and name not in _LEVEL:
            attributes[_RENAMED.get(name, name)] = value
    return resource, attributes


def _entry(sent: _Sent, redactor: Redactor) -> Entry:
    metadata = dict(sent.metadata)
    trace = _identity(metadata, _TRACE, 32)
    span = _identity(metadata, _SPAN, 16)
    when = sent.time if 0 < sent.time < _LATEST else time.time_ns()
    attributes = redact_fields(flatten(metadata), redactor) if metadata else {}
    return Entry(sent.text, when, attributes, trace, span)


def _identity(metadata: dict[str, Any], names: Sequence[str], length: int) -> str:
    """A trace or span id out of the metadata; empty where there is none in hex."""
    for name in names:
        value = str(metadata.get(name, ""))
        if len(value) == length and _HEX.fullmatch(value):
            del metadata[name]
            return value.lower()
    return ""
