"""The tables of the dashboard read model: sums that are kept up, so that a page adds up little."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
)

from projections.sql_read_model import bookkeeping
from projections.tables import UtcTime

metadata = MetaData()
bookkeeping(metadata)

rollups = Table(
    "rollups",
    metadata,
    Column("grain", String, primary_key=True),
    Column("time", BigInteger, primary_key=True),
    Column("source", String, primary_key=True),
    Column("severity", String, primary_key=True),
    Column("count", Integer, nullable=False),
)
"""grain: minute or hour; time: its start in nanoseconds since 1970 (UTC)."""

sources = Table(
    "sources",
    metadata,
    Column("name", String, primary_key=True),
    Column("service", String, nullable=False),
    Column("status", String, nullable=False),
    Column("records", Integer, nullable=False),
    Column("errors", Integer, nullable=False),
    Column("last_time", BigInteger),
    Column("last_problem", Text),
)

patterns = Table(
    "patterns",
    metadata,
    Column("id", String, primary_key=True),
    Column("template", Text, nullable=False),
    Column("severity_number", Integer, nullable=False),
    Column("discovered_at", UtcTime, nullable=False),
    Index("patterns_by_discovery", "discovered_at"),
)

pattern_counts = Table(
    "pattern_counts",
    metadata,
    Column("pattern_id", String, primary_key=True),
    Column("count", Integer, nullable=False),
)

incidents = Table(
    "incidents",
    metadata,
    Column("id", String, primary_key=True),
    Column("title", Text, nullable=False),
    Column("state", String, nullable=False),
    Column("criticality", String, nullable=False),
    Column("service", String, nullable=False),
    Column("error_class", String),
    Column("root_cause", Text),
    Column("opened_at", UtcTime, nullable=False),
    Column("resolved_at", UtcTime),
    Column("first_time", BigInteger, nullable=False),
    Column("last_time", BigInteger, nullable=False),
    Index("incidents_by_state", "state"),
)

investigations = Table(
    "investigations",
    metadata,
    Column("id", String, primary_key=True),
    Column("concluded", Boolean, nullable=False),
)

steps = Table(
    "steps",
    metadata,
    Column("step", String, primary_key=True),
    Column("engine", String, primary_key=True),
    Column("completed", Integer, nullable=False),
    Column("failed", Integer, nullable=False),
    Column("fell_back", Integer, nullable=False),
    Column("total_seconds", Float, nullable=False),
    Column("max_seconds", Float, nullable=False),
)
"""Seconds are of completed steps."""

models = Table(
    "models",
    metadata,
    Column("model", String, primary_key=True),
    Column("calls", Integer, nullable=False),
    Column("errors", Integer, nullable=False),
    Column("input_tokens", Integer, nullable=False),
    Column("output_tokens", Integer, nullable=False),
    Column("cost_usd", Float, nullable=False),
    Column("total_seconds", Float, nullable=False),
)

circuits = Table(
    "circuits",
    metadata,
    Column("endpoint", String, primary_key=True),
    Column("opened_at", UtcTime, nullable=False),
)
"""Only open ones."""
