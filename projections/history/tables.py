"""The tables of the history read model. Made from events, never the truth themselves.

JSON columns keep what only ever is read back whole; what is filtered or sorted has its own
column. `*_time` are nanoseconds since 1970 (UTC) of records; `*_at` are when events happened.
"""

from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Connection,
    Float,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    event,
)

from projections.sql_read_model import bookkeeping
from projections.tables import UtcTime

metadata = MetaData()
bookkeeping(metadata)


def _text(name: str, **options: Any) -> Column[Any]:
    return Column(name, Text, nullable=False, default="", **options)


sources = Table(
    "sources",
    metadata,
    Column("name", String, primary_key=True),
    Column("kind", String, nullable=False),
    _text("location"),
    Column("service", String, nullable=False),
    Column("records", Integer, nullable=False),
    Column("first_time", BigInteger),
    Column("last_time", BigInteger),
    Column("rejected", Integer, nullable=False),
    Column("shed", Integer, nullable=False),
    Column("status", String, nullable=False),
    Column("last_problem", Text),
    Column("severity_counts", JSON, nullable=False),
)

chunks = Table(
    "chunks",
    metadata,
    Column("position", Integer, primary_key=True),
    Column("source", String, nullable=False),
    Column("service", String, nullable=False),
    Column("stream", String, nullable=False),
    Column("first_sequence", Integer, nullable=False),
    Column("last_sequence", Integer, nullable=False),
    Column("first_time", BigInteger, nullable=False),
    Column("last_time", BigInteger, nullable=False),
    Column("max_severity", Integer, nullable=False),
    Column("severity_counts", JSON, nullable=False),
    Column("pattern_ids", JSON, nullable=False),
    Index("chunks_by_sequence", "source", "first_sequence"),
    Index("chunks_by_time", "last_time"),
)

patterns = Table(
    "patterns",
    metadata,
    Column("id", String, primary_key=True),
    Column("template", Text, nullable=False),
    Column("severity_number", Integer, nullable=False),
    _text("example"),
    Column("source", String, nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("discovered_at", UtcTime, nullable=False),
    Column("muted", Boolean, nullable=False),
)

pattern_counts = Table(
    "pattern_counts",
    metadata,
    Column("pattern_id", String, primary_key=True),
    Column("source", String, primary_key=True),
    Column("count", Integer, nullable=False),
    Column("first_time", BigInteger, nullable=False),
    Column("last_time", BigInteger, nullable=False),
)

incidents = Table(
    "incidents",
    metadata,
    Column("id", String, primary_key=True),
    Column("title", Text, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("state", String, nullable=False),
    Column("criticality", String, nullable=False),
    Column("service", String, nullable=False),
    Column("services", JSON, nullable=False),
    Column("error_class", String),
    Column("root_cause", Text),
    Column("confidence", Float),
    Column("opened_at", UtcTime, nullable=False),
    Column("first_time", BigInteger, nullable=False),
    Column("last_time", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("anomaly_count", Integer, nullable=False),
    Column("record_count", Integer, nullable=False),
    Column("investigation_id", String),
    Column("diagnosis", JSON(none_as_null=True)),
    Column("remediation", JSON(none_as_null=True)),
    Column("report", JSON(none_as_null=True)),
    Index("incidents_by_time", "opened_at", "id"),
)

anomalies = Table(
    "anomalies",
    metadata,
    Column("incident_id", String, primary_key=True),
    Column("ordinal", Integer, primary_key=True),
    Column("kind", String, nullable=False),
    Column("service", String, nullable=False),
    Column("source", String, nullable=False),
    Column("pattern_id", String, nullable=False),
    Column("criticality", String, nullable=False),
    Column("score", Float, nullable=False),
    Column("first_time", BigInteger, nullable=False),
    Column("last_time", BigInteger, nullable=False),
    Column("count", Integer, nullable=False),
    Column("body", JSON, nullable=False),
)
"""`body`: the anomaly without its evidence, which is in the table of that name."""

evidence = Table(
    "evidence",
    metadata,
    Column("incident_id", String, primary_key=True),
    Column("anomaly", Integer, primary_key=True),
    Column("ordinal", Integer, primary_key=True),
    Column("source", String, nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("record", JSON, nullable=False),
    Column("before", JSON, nullable=False),
    Column("after", JSON, nullable=False),
    Column("chunk_hash", String, nullable=False),
    Index("evidence_by_record", "source", "sequence"),
)

investigations = Table(
    "investigations",
    metadata,
    Column("id", String, primary_key=True),
    Column("incident_id", String, nullable=False, index=True),
    Column("ordinal", Integer, nullable=False),
    Column("engine", String, nullable=False),
    _text("reason"),
    Column("worker", String),
    Column("as_of", Integer, nullable=False),
    Column("outcome", String),
    Column("requested_at", UtcTime, nullable=False),
    Column("concluded_at", UtcTime),
    Column("seconds", Float),
    Column("context", JSON(none_as_null=True)),
)


def _of_investigation(name: str, *columns: Column[Any]) -> Table:
    """A table of what happened in an investigation; `version` is the event's in its stream."""
    return Table(
        name,
        metadata,
        Column("investigation_id", String, primary_key=True),
        Column("version", Integer, primary_key=True),
        Column("step", String, nullable=False),
        Column("at", UtcTime, nullable=False),
        *columns,
    )


steps = _of_investigation(
    "steps",
    Column("engine", String, nullable=False),
    Column("status", String, nullable=False),
    Column("seconds", Float, nullable=False),
    _text("reason"),
)

tool_calls = _of_investigation(
    "tool_calls",
    Column("tool", String, nullable=False),
    Column("arguments", JSON, nullable=False),
    Column("result_hash", String, nullable=False),
    _text("result_summary"),
    Column("seconds", Float, nullable=False),
)

model_calls = _of_investigation(
    "model_calls",
    Column("model", String, nullable=False),
    Column("endpoint", String, nullable=False),
    Column("prompt_version", String, nullable=False),
    Column("messages", JSON, nullable=False),
    _text("answer"),
    _text("error"),
    Column("input_tokens", Integer, nullable=False),
    Column("output_tokens", Integer, nullable=False),
    Column("cost_usd", Float, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("seconds", Float, nullable=False),
)

fallbacks = _of_investigation(
    "fallbacks",
    Column("from_engine", String, nullable=False),
    Column("to_engine", String, nullable=False),
    _text("reason"),
)

notifications = Table(
    "notifications",
    metadata,
    Column("id", String, primary_key=True),
    Column("incident_id", String, nullable=False, index=True),
    Column("investigation_id", String, nullable=False),
    Column("channel", String, nullable=False),
    Column("recipient", String, nullable=False),
    Column("subject", Text, nullable=False),
    Column("status", String, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("message_id", String),
    Column("at", UtcTime, nullable=False),
    _text("reason"),
)

timeline = Table(
    "timeline",
    metadata,
    Column("incident_id", String, primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("at", UtcTime, nullable=False),
    Column("kind", String, nullable=False),
    Column("text", Text, nullable=False),
)

feedback = Table(
    "feedback",
    metadata,
    Column("incident_id", String, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("at", UtcTime, nullable=False),
    Column("by", String, nullable=False),
    Column("correct", Boolean, nullable=False),
    _text("root_cause"),
    _text("note"),
)

texts = Table(
    "texts",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("kind", String, nullable=False),
    Column("id", String, nullable=False),
    Column("part", Integer, nullable=False),
    Column("title", Text, nullable=False),
    Column("body", Text, nullable=False),
    UniqueConstraint("kind", "id", "part"),
    info={"key": ("kind", "id", "part")},
)
"""What is searched by words. The FTS5 index over it is kept by triggers in the same transaction."""

_ADD = "INSERT INTO texts_index(rowid, title, body) VALUES (new.number, new.title, new.body);"
_REMOVE = (
    "INSERT INTO texts_index(texts_index, rowid, title, body) "
    "VALUES ('delete', old.number, old.title, old.body);"
)
_INDEX = (
    "CREATE VIRTUAL TABLE texts_index USING fts5(title, body, content='texts', "
    "content_rowid='number', tokenize='unicode61 remove_diacritics 2')"
)
_TRIGGERS = (
    f"CREATE TRIGGER texts_inserted AFTER INSERT ON texts BEGIN {_ADD} END",
    f"CREATE TRIGGER texts_deleted AFTER DELETE ON texts BEGIN {_REMOVE} END",
    f"CREATE TRIGGER texts_updated AFTER UPDATE ON texts BEGIN {_REMOVE} {_ADD} END",
)


def _index_texts(_: Table, connection: Connection, **options: Any) -> None:  # noqa: ARG001
    for statement in (_INDEX, *_TRIGGERS):
        connection.exec_driver_sql(statement)


event.listen(texts, "after_create", _index_texts)
