"""What the events of incidents and notifications do to the history."""

from datetime import datetime
from typing import Any

from domain.incidents.incident import (
    DiagnosisReached,
    EvidenceAdded,
    FeedbackGiven,
    IncidentAcknowledged,
    IncidentEscalated,
    IncidentOpened,
    IncidentReopened,
    IncidentResolved,
)
from domain.notifications.notification import (
    DeliveryFailed,
    NotificationAbandoned,
    NotificationDelivered,
    NotificationRequested,
)
from projections.history.projector import history
from projections.tables import Tables


@history.on(IncidentOpened)
def opened(event: IncidentOpened, position: int, tables: Tables) -> None:
    """An incident appears with its first anomalies."""
    incident = str(event.originator_id)
    tables.incidents.insert(
        id=incident,
        title=event.title,
        fingerprint=event.fingerprint,
        state="open",
        criticality=event.criticality,
        service=event.service,
        services=[],
        opened_at=event.timestamp,
        first_time=event.first_time,
        last_time=event.last_time,
        reason=event.reason,
        anomaly_count=0,
        record_count=0,
    )
    tables.texts.insert(kind="incident", id=incident, part=0, title=event.title, body=event.reason)
    _take_in(tables, incident, event.anomalies)
    _happened(tables, incident, position, event.timestamp, "opened", event.reason)


@history.on(EvidenceAdded)
def evidence_added(event: EvidenceAdded, position: int, tables: Tables) -> None:
    """More anomalies joined."""
    incident = str(event.originator_id)
    _take_in(tables, incident, event.anomalies)
    _happened(tables, incident, position, event.timestamp, "evidence", event.reason)


@history.on(IncidentEscalated)
def escalated(event: IncidentEscalated, position: int, tables: Tables) -> None:
    """It is worse than it looked."""
    incident = str(event.originator_id)
    tables.incidents.update({"id": incident}, criticality=event.criticality)
    text = f"criticality {event.criticality}: {event.reason}"
    _happened(tables, incident, position, event.timestamp, "escalated", text)


@history.on(DiagnosisReached)
def diagnosed(event: DiagnosisReached, position: int, tables: Tables) -> None:
    """From now on the incident is called and judged by what was found."""
    incident, diagnosis = str(event.originator_id), event.diagnosis
    tables.incidents.update(
        {"id": incident},
        title=diagnosis["title"],
        service=diagnosis["service"],
        criticality=diagnosis["criticality"],
        error_class=diagnosis["error_class"],
        root_cause=diagnosis["root_cause"],
        confidence=diagnosis["confidence"],
        investigation_id=str(event.investigation_id),
        diagnosis=diagnosis,
        remediation=event.remediation,
        report=event.report,
    )
    explanation = f"{diagnosis['root_cause']}\n{diagnosis.get('explanation', '')}"
    tables.texts.put(
        [
            _text("incident", incident, diagnosis["title"], explanation),
            _text("report", incident, diagnosis["title"], _prose(event.report, event.remediation)),
        ],
        {"title": "set", "body": "set"},
    )
    _happened(tables, incident, position, event.timestamp, "diagnosed", diagnosis["root_cause"])


@history.on(IncidentAcknowledged)
def acknowledged(event: IncidentAcknowledged, position: int, tables: Tables) -> None:
    """A person has taken it."""
    _moved(tables, event.originator_id, position, event.timestamp, "acknowledged", f"by {event.by}")


@history.on(IncidentResolved)
def resolved(event: IncidentResolved, position: int, tables: Tables) -> None:
    """It is over."""
    text = f"by {event.by}: {event.note}" if event.note else f"by {event.by}"
    _moved(tables, event.originator_id, position, event.timestamp, "resolved", text)


@history.on(IncidentReopened)
def reopened(event: IncidentReopened, position: int, tables: Tables) -> None:
    """It came back."""
    incident, text = str(event.originator_id), f"by {event.by}: {event.reason}"
    tables.incidents.update({"id": incident}, state="open")
    _happened(tables, incident, position, event.timestamp, "reopened", text)


@history.on(FeedbackGiven)
def judged(event: FeedbackGiven, position: int, tables: Tables) -> None:
    """Every verdict is kept."""
    incident = str(event.originator_id)
    tables.feedback.insert(
        incident_id=incident,
        version=event.originator_version,
        at=event.timestamp,
        by=event.by,
        correct=event.correct,
        root_cause=event.root_cause,
        note=event.note,
    )
    verdict = "the diagnosis is right" if event.correct else "the diagnosis is wrong"
    text = f"{event.by}: {verdict}" + (f"; {event.root_cause}" if event.root_cause else "")
    _happened(tables, incident, position, event.timestamp, "feedback", text)


@history.on(NotificationRequested)
def requested(event: NotificationRequested, position: int, tables: Tables) -> None:  # noqa: ARG001
    """Somebody is to be told."""
    tables.notifications.insert(
        id=str(event.originator_id),
        incident_id=str(event.incident_id),
        investigation_id=str(event.investigation_id),
        channel=event.channel,
        recipient=event.recipient,
        subject=event.subject,
        status="requested",
        attempts=0,
        at=event.timestamp,
    )


@history.on(NotificationDelivered)
def delivered(event: NotificationDelivered, position: int, tables: Tables) -> None:
    """Somebody was told."""
    row = _settle(
        tables, event, status="delivered", attempts=event.attempt, message_id=event.message_id
    )
    text = f"{row['channel']} to {row['recipient']}"
    _happened(tables, row["incident_id"], position, event.timestamp, "notified", text)


@history.on(DeliveryFailed)
def not_delivered(event: DeliveryFailed, position: int, tables: Tables) -> None:  # noqa: ARG001
    """It will be tried again."""
    _settle(tables, event, status="failing", attempts=event.attempt, reason=event.reason)


@history.on(NotificationAbandoned)
def abandoned(event: NotificationAbandoned, position: int, tables: Tables) -> None:
    """Nobody was told this way."""
    row = _settle(tables, event, status="abandoned", attempts=event.attempts, reason=event.reason)
    text = f"{row['channel']} to {row['recipient']} was given up: {event.reason}"
    _happened(tables, row["incident_id"], position, event.timestamp, "notified", text)


def _settle(tables: Tables, event: Any, **changes: Any) -> Any:
    key = {"id": str(event.originator_id)}
    row = tables.notifications.get(**key)
    if row is None:
        raise LookupError(f"the notification {event.originator_id} was never requested")
    tables.notifications.update(key, at=event.timestamp, **changes)
    return row


def _take_in(tables: Tables, incident: str, anomalies: list[dict[str, Any]]) -> None:
    row = tables.incidents.get(id=incident)
    if row is None:
        raise LookupError(f"the incident {incident} was never opened")
    first = row["anomaly_count"]
    for ordinal, anomaly in enumerate(anomalies, first):
        _keep_anomaly(tables, incident, ordinal, anomaly, row["title"])
    tables.incidents.update(
        {"id": incident},
        services=list(dict.fromkeys([*row["services"], *(a["service"] for a in anomalies)])),
        first_time=min([row["first_time"], *(a["first_time"] for a in anomalies)]),
        last_time=max([row["last_time"], *(a["last_time"] for a in anomalies)]),
        anomaly_count=first + len(anomalies),
        record_count=row["record_count"] + sum(a["count"] for a in anomalies),
    )


def _keep_anomaly(
    tables: Tables, incident: str, ordinal: int, anomaly: dict[str, Any], title: str
) -> None:
    columns = (
        "kind", "service", "source", "pattern_id", "criticality", "score",
        "first_time", "last_time", "count",
    )  # fmt: skip
    tables.anomalies.insert(
        incident_id=incident,
        ordinal=ordinal,
        body={name: value for name, value in anomaly.items() if name != "evidence"},
        **{name: anomaly[name] for name in columns},
    )
    cited = anomaly["evidence"]
    tables.evidence.insert_many(
        [
            {
                "incident_id": incident,
                "anomaly": ordinal,
                "ordinal": number,
                "source": item["record"]["source"],
                "sequence": item["record"]["sequence"],
                "record": item["record"],
                "before": item["before"],
                "after": item["after"],
                "chunk_hash": item["chunk_hash"],
            }
            for number, item in enumerate(cited)
        ]
    )
    words = "\n".join([anomaly["reason"], *(item["record"]["original"] for item in cited)])
    tables.texts.insert(kind="evidence", id=incident, part=ordinal, title=title, body=words)


def _moved(
    tables: Tables, incident_id: object, position: int, at: datetime, state: str, text: str
) -> None:
    tables.incidents.update({"id": str(incident_id)}, state=state)
    _happened(tables, str(incident_id), position, at, state, text)


def _happened(
    tables: Tables, incident: str, position: int, at: datetime, kind: str, text: str
) -> None:
    tables.timeline.insert(incident_id=incident, position=position, at=at, kind=kind, text=text)


def _text(kind: str, incident: str, title: str, body: str) -> dict[str, Any]:
    return {"kind": kind, "id": incident, "part": 0, "title": title, "body": body}


def _prose(report: dict[str, Any], remediation: dict[str, Any]) -> str:
    """The words of a report and its remediation, paragraphs in the order people read them."""
    parts = [report.get(name, "") for name in ("summary", "what_happened", "why", "impact")]
    parts.append(report.get("what_to_do", ""))
    parts.append(remediation.get("summary", ""))
    parts += [line for name in ("mitigation", "steps") for line in remediation.get(name, [])]
    return "\n".join(part for part in parts if part)
