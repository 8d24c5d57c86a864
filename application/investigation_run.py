"""One investigation under way: every move of it becomes a durable fact, in order or not at all."""

import threading
from dataclasses import dataclass, field
from typing import Any

from application.event_log import EventLog
from application.ports import StepAbandoned
from domain.investigations.investigation import (
    CircuitClosed,
    CircuitOpened,
    Investigation,
    ModelCalled,
    Step,
    ToolCalled,
)
from domain.provenance import Cause, Fact


@dataclass(slots=True)
class Run:
    """One investigation under way: its stream, and what follows from what."""

    log: EventLog
    investigation: Investigation
    cause: Cause
    step: Step = Step.CONTEXT
    lost: Exception | None = None
    """Why nothing more can be recorded: the store fails, or another worker took the run over."""
    disowned: set[threading.Thread] = field(default_factory=set)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def disown(self, thread: threading.Thread) -> None:
        """Record nothing more of what an engine does that ran out of time."""
        with self.lock:
            self.disowned.add(thread)

    def note(self, event_class: type[Fact], **facts: Any) -> None:
        """Make a fact of the run durable; the next fact follows from it."""
        with self.lock:
            if threading.current_thread() in self.disowned:
                raise StepAbandoned(self.step, "its time is over")
            if self.lost is not None:
                raise self.lost
            event_id = self.investigation.record(event_class, self.cause, **facts)
            try:
                self.log.append(self.investigation)
            except Exception as error:
                self.lost = error
                raise
            self.cause = Cause(self.cause.actor, self.cause.correlation_id, event_id)

    def tool_called(
        self, tool: str, arguments: dict[str, Any], digest: str, summary: str, seconds: float
    ) -> None:
        """A look-up was made."""
        self.note(
            ToolCalled,
            step=self.step.value,
            tool=tool,
            arguments=arguments,
            result_hash=digest,
            result_summary=summary,
            seconds=round(seconds, 6),
        )

    def model_called(self, **facts: Any) -> None:
        """See application.ports.Journal."""
        self.note(ModelCalled, step=self.step.value, **facts)

    def circuit_opened(self, endpoint: str, failures: int, retry_after_seconds: float) -> None:
        """See application.ports.Journal."""
        self.note(
            CircuitOpened,
            endpoint=endpoint,
            failures=failures,
            retry_after_seconds=retry_after_seconds,
        )

    def circuit_closed(self, endpoint: str) -> None:
        """See application.ports.Journal."""
        self.note(CircuitClosed, endpoint=endpoint)
