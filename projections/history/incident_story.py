"""One incident with everything that belongs to it."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, RowMapping, Table, select

from domain.detection.anomaly import Anomaly
from domain.investigations.diagnosis import Context
from projections.history import tables
from projections.history.answers import (
    AmbiguousId,
    FallbackRow,
    FeedbackRow,
    IncidentDetail,
    InvestigationRow,
    ModelCallRow,
    NotificationRow,
    StepRow,
    TimelineRow,
    ToolCallRow,
)

SHORT_ID = 8
"""Characters of an id that people see first."""

_SYMPTOM_WORDS = 300


def row_of(row: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of an IncidentRow."""
    names = (
        "id", "title", "state", "criticality", "service", "services", "error_class", "root_cause",
        "confidence", "opened_at", "first_time", "last_time", "anomaly_count", "record_count",
    )  # fmt: skip
    fields = {name: row[name] for name in names}
    diagnosed = row["diagnosis"] is not None
    return {**fields, "short_id": row["id"][:SHORT_ID], "diagnosed": diagnosed}


def find_id(connection: Connection, id_or_prefix: str) -> str | None:
    """The one incident id that begins so (dashes and case do not matter). Raises AmbiguousId."""
    wanted = re.sub(r"[^0-9a-f]", "", id_or_prefix.lower())
    if not wanted or wanted != id_or_prefix.lower().replace("-", "").strip():
        return None
    dashed = "-".join(
        part
        for part in (wanted[:8], wanted[8:12], wanted[12:16], wanted[16:20], wanted[20:32])
        if part
    )
    t = tables.incidents
    found = select(t.c.id).where(t.c.id.startswith(dashed)).order_by(t.c.id).limit(5)
    ids = list(connection.execute(found).scalars())
    if len(ids) > 1:
        raise AmbiguousId(id_or_prefix, ids)
    return ids[0] if ids else None


def tell(connection: Connection, incident: str) -> IncidentDetail:
    """Everything about an incident that exists."""
    t = tables.incidents
    row = connection.execute(select(t).where(t.c.id == incident)).mappings().one()
    investigations, context = _investigations(connection, incident, row["investigation_id"])
    anomalies = _anomalies(connection, incident)
    return IncidentDetail(
        **row_of(dict(row)),
        fingerprint=row["fingerprint"],
        reason=row["reason"],
        anomalies=anomalies,
        context=context,
        diagnosis=row["diagnosis"],
        remediation=row["remediation"] or None,
        report=row["report"] or None,
        investigations=investigations,
        notifications=[
            NotificationRow(**n)
            for n in _rows(connection, tables.notifications, "incident_id", incident, "at", "id")
        ],
        timeline=_timeline(connection, incident, anomalies),
        feedback=[
            FeedbackRow(**{name: f[name] for name in FeedbackRow.model_fields})
            for f in _rows(connection, tables.feedback, "incident_id", incident, "version")
        ],
    )


def _anomalies(connection: Connection, incident: str) -> list[Anomaly]:
    evidence: dict[int, list[dict[str, Any]]] = {}
    rows = _rows(connection, tables.evidence, "incident_id", incident, "anomaly", "ordinal")
    for row in rows:
        item = {name: row[name] for name in ("record", "before", "after", "chunk_hash")}
        evidence.setdefault(row["anomaly"], []).append(item)
    return [
        Anomaly.model_validate({**row["body"], "evidence": evidence.get(row["ordinal"], [])})
        for row in _rows(connection, tables.anomalies, "incident_id", incident, "ordinal")
    ]


def _investigations(
    connection: Connection, incident: str, decisive: str | None
) -> tuple[list[InvestigationRow], Context | None]:
    """The runs in order, and the context of the one whose diagnosis counts (else the last)."""
    investigations: list[InvestigationRow] = []
    context: Context | None = None
    for row in _rows(connection, tables.investigations, "incident_id", incident, "ordinal", "id"):
        key = (connection, row["id"])
        fields = {n: row[n] for n in InvestigationRow.model_fields if n in row}
        investigations.append(
            InvestigationRow(
                **fields,
                steps=[StepRow(**s) for s in _moves(*key, tables.steps)],
                tool_calls=[ToolCallRow(**c) for c in _moves(*key, tables.tool_calls)],
                model_calls=[ModelCallRow(**c) for c in _moves(*key, tables.model_calls)],
                fallbacks=[FallbackRow(**f) for f in _moves(*key, tables.fallbacks)],
            )
        )
        if row["context"] is not None and (decisive is None or row["id"] == decisive):
            context = Context.model_validate(row["context"])
    return investigations, context


def _moves(connection: Connection, investigation: str, table: Table) -> list[dict[str, Any]]:
    rows = _rows(connection, table, "investigation_id", investigation, "version")
    return [{k: v for k, v in r.items() if k not in {"investigation_id", "version"}} for r in rows]


def _timeline(connection: Connection, incident: str, anomalies: list[Anomaly]) -> list[TimelineRow]:
    """What we did and when symptoms began, in one order."""
    story = [
        TimelineRow(at=row["at"], kind=row["kind"], text=row["text"])
        for row in _rows(connection, tables.timeline, "incident_id", incident, "position")
    ]
    symptoms = [
        TimelineRow(
            at=_moment(anomaly.first_time),
            kind="symptom",
            text=f"{anomaly.service}: {_first_line(anomaly)}",
        )
        for anomaly in anomalies
    ]
    return sorted([*symptoms, *story], key=lambda row: row.at)


def _first_line(anomaly: Anomaly) -> str:
    text = anomaly.evidence[0].record.text if anomaly.evidence else anomaly.reason
    return text.split("\n", 1)[0][:_SYMPTOM_WORDS]


def _moment(nanoseconds: int) -> datetime:
    micros = min(max(nanoseconds // 1000, 0), 253_402_300_799_000_000)  # year 9999
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=micros)


def _rows(
    connection: Connection, table: Table, column: str, value: str, *order: str
) -> Sequence[RowMapping]:
    found = select(table).where(table.c[column] == value).order_by(*(table.c[o] for o in order))
    return connection.execute(found).mappings().all()
