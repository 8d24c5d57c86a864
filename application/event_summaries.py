"""Every event in one line that a person can read."""

from functools import singledispatch
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
from domain.investigations.investigation import (
    CircuitClosed,
    CircuitOpened,
    InvestigationClaimed,
    InvestigationConcluded,
    InvestigationRequested,
    ModelCalled,
    StepCompleted,
    StepFailed,
    StepFellBack,
    StepStarted,
    ToolCalled,
)
from domain.logs.source import RecordsAppended, SourceRegistered
from domain.notifications.notification import (
    DeliveryFailed,
    NotificationAbandoned,
    NotificationDelivered,
    NotificationRequested,
)
from domain.provenance import Fact


@singledispatch
def summary_of(event: Fact) -> str:
    """One line a person can read about any event; empty where its name says everything."""
    del event
    return ""


@summary_of.register
def _(event: SourceRegistered) -> str:
    return f"{event.source} ({event.kind} {event.location}) on {event.day}"


@summary_of.register
def _(event: RecordsAppended) -> str:
    return (
        f"{event.source}#{event.first_sequence} to #{event.last_sequence}, "
        f"{event.count} records, sha256 {event.chunk_hash.hex()}"
    )


@summary_of.register
def _(event: IncidentOpened) -> str:
    return f"{event.title} ({event.criticality}): {event.reason}"


@summary_of.register
def _(event: EvidenceAdded) -> str:
    many = len(event.anomalies)
    return f"{many} more {'anomaly' if many == 1 else 'anomalies'}: {event.reason}"


@summary_of.register
def _(event: IncidentEscalated) -> str:
    return f"now {event.criticality}: {event.reason}"


@summary_of.register
def _(event: DiagnosisReached) -> str:
    return str(event.diagnosis.get("root_cause", ""))


@summary_of.register(IncidentAcknowledged)
@summary_of.register(IncidentResolved)
@summary_of.register(IncidentReopened)
@summary_of.register(FeedbackGiven)
def _(event: Fact) -> str:
    return f"by {vars(event)['by']}"


@summary_of.register
def _(event: InvestigationRequested) -> str:
    return f"investigation {event.ordinal} with the {event.engine} engine: {event.reason}"


@summary_of.register
def _(event: InvestigationClaimed) -> str:
    return f"by {event.worker}"


@summary_of.register
def _(event: StepStarted) -> str:
    return f"{event.step} by {event.engine}, {event.limit_seconds:g} s at most"


@summary_of.register
def _(event: ToolCalled) -> str:
    return f"{event.tool}({_arguments(event.arguments)}) -> {event.result_summary}"


@summary_of.register
def _(event: ModelCalled) -> str:
    told = event.error or f"{event.output_tokens} tokens"
    return f"{event.step}: {event.model}, try {event.attempt}, {event.seconds:.1f} s: {told}"


@summary_of.register
def _(event: StepCompleted) -> str:
    return f"{event.step} by {event.engine} in {event.seconds:.3f} s"


@summary_of.register
def _(event: StepFailed) -> str:
    return f"{event.step} by {event.engine}: {event.reason}"


@summary_of.register
def _(event: StepFellBack) -> str:
    return f"{event.step}: {event.from_engine} to {event.to_engine}: {event.reason}"


@summary_of.register
def _(event: CircuitOpened) -> str:
    return f"{event.endpoint} after {event.failures} failures"


@summary_of.register
def _(event: CircuitClosed) -> str:
    return event.endpoint


@summary_of.register
def _(event: InvestigationConcluded) -> str:
    return f"{event.outcome} in {event.seconds:.3f} s"


@summary_of.register
def _(event: NotificationRequested) -> str:
    return f"{event.channel} to {event.recipient}: {event.subject}"


@summary_of.register
def _(event: NotificationDelivered) -> str:
    return f"accepted as {event.message_id}"


@summary_of.register(DeliveryFailed)
@summary_of.register(NotificationAbandoned)
def _(event: Fact) -> str:
    return str(vars(event)["reason"])


def _arguments(arguments: dict[str, Any]) -> str:
    return ", ".join(f"{name}={value!r}" for name, value in arguments.items() if value is not None)
