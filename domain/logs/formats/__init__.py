"""Log formats: data in YAML files beside this module, read by the small engine in `reading`.

A family file lists formats; a format is an anchored regular expression with named groups, what its
groups mean, and sample lines which are its tests. Patterns may use the fragments below as
`%{NAME}`. Groups with a meaning of their own: timestamp, severity, message, logger, service,
priority (syslog). Every other group becomes an attribute.
"""

import re
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

FRAGMENTS = {
    "ISO": r"\d{4}[-/]\d\d[-/]\d\d[Tt _]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?"
    r"(?: ?(?:Z|UTC|GMT|[A-Z]{2,3}T|[+-]\d\d(?::?\d\d)?)(?![A-Za-z0-9]))?",
    "CLF": r"\d{1,2}/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d(?:\.\d{1,6})?(?: [+-]\d{4})?",
    "SYSLOG": r"[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d(?:\.\d{1,9})?",
    "ZONE": r"(?:Z|[A-Z]{2,3}T|UTC|GMT|[+-]\d\d:?\d\d)",
    "LEVEL": r"[A-Za-z]{1,13}",
    "IP": r"[0-9A-Fa-f:.]{2,45}",
    "HOST": r"[\w.:-]{1,255}",
    "LOGGER": r"[\w.$/:@-]{1,200}",
}
"""What patterns may refer to."""

ATTRIBUTES = {
    "pid": "process.pid", "thread": "thread.name", "tid": "thread.id", "host": "host.name",
    "logger": "log.logger", "file": "code.file.path", "line": "code.line.number",
    "function": "code.function.name", "client": "client.address", "method": "http.request.method",
    "path": "url.path", "query": "url.query", "protocol": "network.protocol.version",
    "status": "http.response.status_code", "size": "http.response.body.size",
    "referer": "http.request.header.referer", "agent": "user_agent.original",
    "user": "user.name", "database": "db.namespace", "stream": "log.iostream",
    "code": "error.code", "request": "http.request.line", "upstream": "upstream.address",
    "server": "server.address", "vhost": "http.request.header.host", "tag": "log.tag",
    "exception": "exception.type", "duration": "http.server.request.duration",
    "backend": "haproxy.backend", "termination": "haproxy.termination_state",
    "role": "redis.role", "connection": "connection.id",
}  # fmt: skip
"""Attribute of each customary group; a format may name others."""

SPECIAL = frozenset({
    "timestamp", "severity", "message", "service", "priority",
})  # fmt: skip
"""Groups that fill fields of the record instead of an attribute."""


class Sample(BaseModel):
    """A line of the format and what must be read from it.

    preceded_by: lines the source must have begun with, such as the header of a table.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    line: str
    severity: str
    body: str | None = None
    timestamp: str | None = None
    service: str | None = None
    lines: int = 1
    preceded_by: tuple[str, ...] = ()
    attributes: dict[str, Any] = Field(default_factory=dict)


class Format(BaseModel):
    """One layout of log lines.

    first: the characters a line may begin with, as a regular expression's set, so that most
    formats are left out without trying them. technology: the service's name where nothing better
    is known. severities: words of this format only. multiline: lines without a header belong to
    the record before. continues: severity words that explain the record before of the same pid.
    envelope: the message may be a line of another format; transport: and says nothing else.
    escaped: the message is escaped as in a JSON string. fields: `key=value` pairs in the message
    become attributes. heading: severity and message stand on the next line. crash: begins a record
    although it has no
    header (tracebacks, panics). fallback: tried after every other format.

    marks: fields of a JSON object or of logfmt by which this program's lines are known, each with
    a regular expression for the whole value (empty: any value). renames: fields (or columns) that
    mean something under a name of their own. message_from: fields that make the message where
    there is none. separator: between the columns of a table, whose header is the pattern with the
    group `columns`. like: formats that may read the line as well, since both look alike.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    kind: Literal["regex", "json", "logfmt", "scan", "table"] = "regex"
    pattern: str = ""
    first: str
    technology: str | None = None
    severities: dict[str, str] = Field(default_factory=dict)
    default_severity: str = ""
    severity_by_status: bool = False
    multiline: bool = True
    continues: tuple[str, ...] = ()
    envelope: bool = False
    transport: bool = False
    escaped: bool = False
    fields: bool = False
    heading: bool = False
    crash: bool = False
    joins: bool = True
    fallback: bool = False
    attributes: dict[str, str] = Field(default_factory=dict)
    marks: dict[str, str] = Field(default_factory=dict)
    renames: dict[str, str] = Field(default_factory=dict)
    message_from: tuple[str, ...] = ()
    separator: str = ""
    like: tuple[str, ...] = ()
    samples: tuple[Sample, ...]

    def expanded(self) -> str:
        """The pattern with its fragments filled in. Raises KeyError for an unknown fragment."""
        return re.sub(r"%\{(\w+)\}", lambda m: FRAGMENTS[m[1]], self.pattern)


class FormatFamily(BaseModel):
    """What one file holds. priority: lower is tried earlier."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    family: str
    priority: int = 50
    formats: tuple[Format, ...]


class FormatCatalogue:
    """All known formats in the order they are tried."""

    def __init__(self, families: tuple[FormatFamily, ...]) -> None:
        ordered = sorted(families, key=lambda family: (family.priority, family.family))
        self.formats: tuple[Format, ...] = tuple(
            sorted(
                (item for family in ordered for item in family.formats),
                key=lambda item: item.fallback,
            )
        )
        names = [item.name for item in self.formats]
        doubled = {name for name in names if names.count(name) > 1}
        if doubled:
            raise ValueError(f"two formats are called {', '.join(sorted(doubled))}")

    def only(self, name: str) -> "FormatCatalogue":
        """Just one format, and stack traces, for a source whose format the user names.

        Raises KeyError when there is no such format.
        """
        chosen = [item for item in self.formats if item.name == name]
        if not chosen:
            raise KeyError(name)
        crashes = [item for item in self.formats if item.crash and item.name != name]
        return FormatCatalogue((FormatFamily(family=name, formats=(*chosen, *crashes)),))

    @classmethod
    def from_data(cls, documents: list[Any]) -> "FormatCatalogue":
        """Read parsed YAML documents. Raises pydantic's ValidationError for a wrong one."""
        return cls(tuple(FormatFamily.model_validate(document) for document in documents))
