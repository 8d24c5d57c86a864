"""What incidents and the agents' runs do to the dashboard."""

from typing import Any

from domain.incidents.incident import (
    DiagnosisReached,
    EvidenceAdded,
    IncidentAcknowledged,
    IncidentEscalated,
    IncidentOpened,
    IncidentReopened,
    IncidentResolved,
)
from domain.investigations.investigation import (
    CircuitClosed,
    CircuitOpened,
    InvestigationConcluded,
    InvestigationRequested,
    ModelCalled,
    StepCompleted,
    StepFailed,
    StepFellBack,
)
from projections.dashboard.projector import dashboard
from projections.tables import Tables


@dashboard.on(IncidentOpened)
def opened(event: IncidentOpened, position: int, tables: Tables) -> None:  # noqa: ARG001
    """One more to look after."""
    tables.incidents.insert(
        id=str(event.originator_id),
        title=event.title,
        state="open",
        criticality=event.criticality,
        service=event.service,
        opened_at=event.timestamp,
        first_time=event.first_time,
        last_time=event.last_time,
    )


@dashboard.on(EvidenceAdded)
def evidence_added(event: EvidenceAdded, position: int, tables: Tables) -> None:  # noqa: ARG001
    """It lasts longer, or began earlier, than was known."""
    row = tables.incidents.get(id=str(event.originator_id))
    if row is None:
        raise LookupError(f"the incident {event.originator_id} was never opened")
    tables.incidents.update(
        {"id": row["id"]},
        first_time=min([row["first_time"], *(a["first_time"] for a in event.anomalies)]),
        last_time=max([row["last_time"], *(a["last_time"] for a in event.anomalies)]),
    )


@dashboard.on(IncidentEscalated)
def escalated(event: IncidentEscalated, position: int, tables: Tables) -> None:  # noqa: ARG001
    """It is worse than it looked."""
    _change(tables, event, criticality=event.criticality)


@dashboard.on(DiagnosisReached)
def diagnosed(event: DiagnosisReached, position: int, tables: Tables) -> None:  # noqa: ARG001
    """From now on it is called and judged by what was found."""
    names = ("title", "criticality", "service", "error_class", "root_cause")
    _change(tables, event, **{name: event.diagnosis[name] for name in names})


@dashboard.on(IncidentAcknowledged)
def acknowledged(event: IncidentAcknowledged, position: int, tables: Tables) -> None:  # noqa: ARG001
    """Somebody has it."""
    _change(tables, event, state="acknowledged")


@dashboard.on(IncidentResolved)
def resolved(event: IncidentResolved, position: int, tables: Tables) -> None:  # noqa: ARG001
    """Over."""
    _change(tables, event, state="resolved", resolved_at=event.timestamp)


@dashboard.on(IncidentReopened)
def reopened(event: IncidentReopened, position: int, tables: Tables) -> None:  # noqa: ARG001
    """Not over after all: it takes as long as it takes from its opening on."""
    _change(tables, event, state="open", resolved_at=None)


@dashboard.on(InvestigationRequested)
def requested(event: InvestigationRequested, position: int, tables: Tables) -> None:  # noqa: ARG001
    """The agents have work."""
    tables.investigations.insert(id=str(event.originator_id), concluded=False)


@dashboard.on(InvestigationConcluded)
def concluded(event: InvestigationConcluded, position: int, tables: Tables) -> None:  # noqa: ARG001
    """The agents are done."""
    tables.investigations.update({"id": str(event.originator_id)}, concluded=True)


@dashboard.on(StepCompleted)
def completed(event: StepCompleted, position: int, tables: Tables) -> None:  # noqa: ARG001
    """Counted with the time it took."""
    _step(tables, event.step, event.engine, completed=1, seconds=event.seconds)


@dashboard.on(StepFailed)
def failed(event: StepFailed, position: int, tables: Tables) -> None:  # noqa: ARG001
    """Counted."""
    _step(tables, event.step, event.engine, failed=1)


@dashboard.on(StepFellBack)
def fell_back(event: StepFellBack, position: int, tables: Tables) -> None:  # noqa: ARG001
    """Counted with the engine it was taken from."""
    _step(tables, event.step, event.from_engine, fell_back=1)


@dashboard.on(ModelCalled)
def model_called(event: ModelCalled, position: int, tables: Tables) -> None:  # noqa: ARG001
    """What it cost."""
    row = {
        "model": event.model,
        "calls": 1,
        "errors": 1 if event.error else 0,
        "input_tokens": event.input_tokens,
        "output_tokens": event.output_tokens,
        "cost_usd": event.cost_usd,
        "total_seconds": event.seconds,
    }
    tables.models.put([row], {name: "add" for name in row if name != "model"})


@dashboard.on(CircuitOpened)
def circuit_opened(event: CircuitOpened, position: int, tables: Tables) -> None:  # noqa: ARG001
    """An endpoint is not called for a while."""
    row = {"endpoint": event.endpoint, "opened_at": event.timestamp}
    tables.circuits.put([row], {"opened_at": "set"})


@dashboard.on(CircuitClosed)
def circuit_closed(event: CircuitClosed, position: int, tables: Tables) -> None:  # noqa: ARG001
    """An endpoint answers again."""
    tables.circuits.delete(endpoint=event.endpoint)


def _change(tables: Tables, event: Any, **values: Any) -> None:
    tables.incidents.update({"id": str(event.originator_id)}, **values)


def _step(
    tables: Tables,
    step: str,
    engine: str,
    *,
    completed: int = 0,
    failed: int = 0,
    fell_back: int = 0,
    seconds: float = 0.0,
) -> None:
    row = {
        "step": step,
        "engine": engine,
        "completed": completed,
        "failed": failed,
        "fell_back": fell_back,
        "total_seconds": seconds,
        "max_seconds": seconds,
    }
    counts = ("completed", "failed", "fell_back", "total_seconds")
    tables.steps.put([row], {**dict.fromkeys(counts, "add"), "max_seconds": "max"})
