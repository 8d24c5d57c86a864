"""What the events of investigations do to the history: every move of every agent."""

from typing import Any

from domain.investigations.investigation import (
    InvestigationClaimed,
    InvestigationConcluded,
    InvestigationRequested,
    ModelCalled,
    Step,
    StepCompleted,
    StepFailed,
    StepFellBack,
    StepStarted,
    ToolCalled,
)
from projections.history.projector import history
from projections.tables import Tables


@history.on(InvestigationRequested)
def requested(event: InvestigationRequested, position: int, tables: Tables) -> None:
    """An incident is to be looked into."""
    tables.investigations.insert(
        id=str(event.originator_id),
        incident_id=str(event.incident_id),
        ordinal=event.ordinal,
        engine=event.engine,
        reason=event.reason,
        as_of=event.as_of,
        requested_at=event.timestamp,
    )
    tables.timeline.insert(
        incident_id=str(event.incident_id),
        position=position,
        at=event.timestamp,
        kind="investigating",
        text=f"investigation {event.ordinal} by {event.engine}: {event.reason}",
    )


@history.on(InvestigationClaimed)
def claimed(event: InvestigationClaimed, position: int, tables: Tables) -> None:  # noqa: ARG001
    """A worker has taken it."""
    tables.investigations.update({"id": str(event.originator_id)}, worker=event.worker)


@history.on(StepStarted)
def started(event: StepStarted, position: int, tables: Tables) -> None:  # noqa: ARG001
    """A step is shown as running until something is said of it."""
    tables.steps.insert(engine=event.engine, status="started", seconds=0.0, **_place(event))


@history.on(StepCompleted)
def completed(event: StepCompleted, position: int, tables: Tables) -> None:  # noqa: ARG001
    """The step has its answer."""
    _end_step(tables, event, "completed", "")
    if event.step == Step.CONTEXT:
        tables.investigations.update({"id": str(event.originator_id)}, context=event.output)


@history.on(StepFailed)
def failed(event: StepFailed, position: int, tables: Tables) -> None:  # noqa: ARG001
    """The step gave no usable answer this time."""
    _end_step(tables, event, "failed", event.reason)


@history.on(StepFellBack)
def fell_back(event: StepFellBack, position: int, tables: Tables) -> None:  # noqa: ARG001
    """A step went to another engine."""
    tables.fallbacks.insert(
        from_engine=event.from_engine,
        to_engine=event.to_engine,
        reason=event.reason,
        **_place(event),
    )


@history.on(ToolCalled)
def tool_called(event: ToolCalled, position: int, tables: Tables) -> None:  # noqa: ARG001
    """An agent looked something up."""
    tables.tool_calls.insert(
        tool=event.tool,
        arguments=event.arguments,
        result_hash=event.result_hash,
        result_summary=event.result_summary,
        seconds=event.seconds,
        **_place(event),
    )


@history.on(ModelCalled)
def model_called(event: ModelCalled, position: int, tables: Tables) -> None:  # noqa: ARG001
    """Everything sent to a model and everything that came back."""
    tables.model_calls.insert(
        model=event.model,
        endpoint=event.endpoint,
        prompt_version=event.prompt_version,
        messages=event.messages,
        answer=event.answer,
        error=event.error,
        input_tokens=event.input_tokens,
        output_tokens=event.output_tokens,
        cost_usd=event.cost_usd,
        attempt=event.attempt,
        seconds=event.seconds,
        **_place(event),
    )


@history.on(InvestigationConcluded)
def concluded(event: InvestigationConcluded, position: int, tables: Tables) -> None:  # noqa: ARG001
    """The run ended."""
    tables.investigations.update(
        {"id": str(event.originator_id)},
        outcome=event.outcome,
        concluded_at=event.timestamp,
        seconds=event.seconds,
    )


def _place(event: Any) -> dict[str, Any]:
    return {
        "investigation_id": str(event.originator_id),
        "version": event.originator_version,
        "step": event.step,
        "at": event.timestamp,
    }


def _end_step(tables: Tables, event: StepCompleted | StepFailed, status: str, reason: str) -> None:
    """Finish the row the step began with; one that ends twice (a retry) gets a row of its own."""
    running = {
        "investigation_id": str(event.originator_id),
        "step": event.step,
        "engine": event.engine,
        "status": "started",
    }
    outcome = {"status": status, "seconds": event.seconds, "reason": reason}
    if not tables.steps.update(running, **outcome):
        tables.steps.insert(engine=event.engine, **outcome, **_place(event))
