"""Which field of a structured record means what, under the names loggers use."""

from typing import TYPE_CHECKING, Any

from domain.logs.severity import severity_of, severity_of_level
from domain.logs.timestamps import TimestampReader, epoch_ns

if TYPE_CHECKING:
    from domain.logs.formats.reading import Reading

TIME = ("time", "timestamp", "@timestamp", "ts", "@t", "Timestamp", "asctime", "datetime", "date",
        "t.$date", "t", "eventTime", "created", "timeUnixNano")  # fmt: skip
LEVEL = ("level", "severity", "levelname", "log.level", "lvl", "@l", "Level", "loglevel", "s",
         "severityText", "SeverityText", "level_name", "log_level", "status",
         "PRIORITY")  # fmt: skip
MESSAGE = ("msg", "message", "@m", "@mt", "body", "event", "Message", "MESSAGE", "text",
           "RenderedMessage", "short_message", "log", "Body", "error")  # fmt: skip
SERVICE = ("service", "service.name", "app", "application", "service_name", "serviceName",
           "svc", "Service", "resource.service.name", "dd.service", "app_name", "appname",
           "SYSLOG_IDENTIFIER", "component_name", "container_name", "name")  # fmt: skip
LOGGER = ("logger", "logger_name", "log.logger", "loggerName", "SourceContext", "category",
          "Logger", "name", "caller", "component", "c")  # fmt: skip
TRACE = (
    "trace_id",
    "traceId",
    "traceID",
    "trace.id",
    "TraceId",
    "@tr",
    "dd.trace_id",
    "otelTraceID",
)
SPAN = ("span_id", "spanId", "spanID", "span.id", "SpanId", "@sp", "dd.span_id", "otelSpanID")
STACK = ("exception", "exc_info", "stack_trace", "stacktrace", "error.stack_trace", "stack",
         "err.stack", "error.stack", "@x", "exception.stacktrace", "traceback",
         "thrown.extendedStackTrace",
         "StackTrace", "Exception", "errorVerbose", "stackTrace")  # fmt: skip
EXCEPTION_TYPE = ("exception.type", "err.type", "error.type", "exception_type", "error.class",
                  "err.name", "error.name", "exception.class", "exc_type")  # fmt: skip
ERROR_TEXT = ("error", "err", "cause", "reason")
"""Fields that say in words what failed, beside a message that only says what was tried."""
EXCEPTION_MESSAGE = ("exception.message", "err.message", "error.message", "exception_message")
RENAMED = {
    "req.method": "http.request.method", "request.method": "http.request.method",
    "method": "http.request.method", "http.method": "http.request.method",
    "req.url": "url.path", "request.url": "url.path", "path": "url.path", "uri": "url.path",
    "request.uri": "url.path", "res.statusCode": "http.response.status_code",
    "response.status": "http.response.status_code", "status_code": "http.response.status_code",
    "statusCode": "http.response.status_code", "http.status_code": "http.response.status_code",
    "remote_addr": "client.address", "client_ip": "client.address", "remote_ip": "client.address",
    "remoteAddress": "client.address", "req.remoteAddress": "client.address",
    "request.remote_ip": "client.address", "user_agent": "user_agent.original",
    "userAgent": "user_agent.original", "http_user_agent": "user_agent.original",
    "pid": "process.pid", "hostname": "host.name", "host": "host.name", "thread": "thread.name",
    "threadName": "thread.name", "thread_name": "thread.name",
}  # fmt: skip
"""OpenTelemetry's names for customary fields."""

_PLAIN = (str, int, float, bool)


def take_variant(
    fields: dict[str, Any], reading: "Reading", clock: TimestampReader, observed: int
) -> "Reading | None":
    """Fill a reading as the program that wrote the fields means them, where it is known.

    None where a format was forced and these are not its fields.
    """
    variant = reading.format.variant_of(fields)
    if variant.spec.marks and not variant.knows(fields):
        return None
    reading.format = variant
    texts = [str(fields[name]) for name in variant.message_from if fields.get(name)]
    for name, meaning in variant.renames.items():
        if name in fields:
            fields[meaning] = fields.pop(name)
    if texts and not (fields.get("msg") or fields.get("message")):
        fields["msg"] = " ".join(texts)
    word = str(fields.get("level", ""))
    take_fields(fields, reading, clock, observed)
    variant.settle(reading, word)
    return reading


def take_fields(
    fields: dict[str, Any], reading: "Reading", clock: TimestampReader, observed: int
) -> "Reading":
    """Fill a reading from flat fields; what has no meaning of its own becomes an attribute."""
    _take_time(fields, reading, clock, observed)
    _take_level(fields, reading)
    reading.trace_id = _take(fields, TRACE)
    reading.span_id = _take(fields, SPAN)
    _take_exception(fields, reading)
    reading.service = _take(fields, SERVICE)
    reading.logger = _take(fields, LOGGER)
    reading.body = _take(fields, MESSAGE) or str(
        reading.attributes.get("exception.message", "") or reading.body
    )
    if reading.logger:
        reading.attributes["log.logger"] = reading.logger
    for key, value in fields.items():
        if value is not None and value != "":
            reading.attributes[RENAMED.get(key, key)] = value
    return reading


def _take(fields: dict[str, Any], names: tuple[str, ...]) -> str:
    for name in names:
        value = fields.get(name)
        if value is not None and value != "" and isinstance(value, _PLAIN):
            del fields[name]
            return str(value)
    return ""


def _take_time(
    fields: dict[str, Any], reading: "Reading", clock: TimestampReader, observed: int
) -> None:
    for name in TIME:
        value = fields.get(name)
        if isinstance(value, str):
            reading.timestamp = clock.read(value, observed)
        elif isinstance(value, float) and value >= 1e8 and value < 1e18:
            whole = int(value)
            reading.timestamp = epoch_ns(whole, f"{value - whole:.9f}"[2:])
        elif isinstance(value, int) and not isinstance(value, bool) and value >= 10**8:
            reading.timestamp = epoch_ns(value)
        if reading.timestamp is not None:
            del fields[name]
            return


def _take_level(fields: dict[str, Any], reading: "Reading") -> None:
    for name in LEVEL:
        value = fields.get(name)
        if isinstance(value, str) and len(value) <= 16:
            reading.severity = (
                severity_of_level(int(value)) if value.isdecimal() else severity_of(value)
            )
        elif isinstance(value, int) and not isinstance(value, bool) and name != "status":
            reading.severity = severity_of_level(value)
        if reading.severity:
            reading.label = str(value)
            del fields[name]
            return


def _take_exception(fields: dict[str, Any], reading: "Reading") -> None:
    for name in STACK:
        value = fields.get(name)
        if isinstance(value, str) and ("\n" in value or name != "exception"):
            reading.stack = value
            del fields[name]
            break
    kind = _take(fields, EXCEPTION_TYPE)
    message = _take(fields, EXCEPTION_MESSAGE)
    if kind:
        reading.attributes["exception.type"] = kind
    if not message:
        texts = (fields[name] for name in ERROR_TEXT if isinstance(fields.get(name), str))
        message = next(texts, "")
    if message:
        reading.attributes["exception.message"] = message
