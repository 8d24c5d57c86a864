"""Every call of the model on its way: redacted, through the circuit, recorded, counted."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any, Protocol

from application.ports import Journal
from domain.investigations.investigation import Step
from infrastructure.agents.crew.circuit import Circuit, CircuitOpen
from infrastructure.agents.crew.endpoint import Answer, CallFailed, ChatEndpoint
from infrastructure.agents.crew.prompts import prompt_version

_SENT_KEYS = ("role", "content", "tool_calls", "tool_call_id", "name")


class Redacts(Protocol):
    """Takes secrets out of a text."""

    def redact(self, text: str) -> str: ...


@cache
def redactor() -> Redacts:
    """The redactor of the records, used once more on what leaves the machine."""
    redacts: Redacts = import_module("domain.logs.redaction").Redactor()
    return redacts


@dataclass
class StepCalls:
    """The calls of one step: their deadline (of `time.monotonic`), try number and journal."""

    step: Step
    endpoint: ChatEndpoint
    circuit: Circuit
    journal: Journal
    deadline: float
    attempt: int = 1
    failure: CallFailed | CircuitOpen | None = None
    """Why the current try got no answer."""

    def ask(
        self, messages: Sequence[Mapping[str, Any]], tools: Sequence[Mapping[str, Any]]
    ) -> Answer:
        """One call. Raises CallFailed or CircuitOpen, and remembers it in `failure`."""
        if self.failure is not None:
            # CrewAI may ask again on its own after a failure; this try is over.
            raise self.failure
        sent = [_sendable(message) for message in messages]
        try:
            return self.circuit.call(lambda: self._recorded(sent, tools), self.journal)
        except (CallFailed, CircuitOpen) as failure:
            self.failure = failure
            raise

    def _recorded(self, sent: list[dict[str, Any]], tools: Sequence[Mapping[str, Any]]) -> Answer:
        try:
            answer = self.endpoint.ask(sent, tools, self.deadline)
        except CallFailed as failure:
            self._record(sent, failure.raw, failure.reason, failure.seconds)
            raise
        self._record(sent, answer.raw, "", answer.seconds, answer)
        return answer

    def _record(
        self,
        sent: list[dict[str, Any]],
        raw: str,
        error: str,
        seconds: float,
        answer: Answer | None = None,
    ) -> None:
        settings = self.endpoint.settings
        input_tokens = answer.input_tokens if answer else 0
        output_tokens = answer.output_tokens if answer else 0
        self.journal.model_called(
            model=settings.model,
            endpoint=settings.endpoint,
            prompt_version=prompt_version(self.step),
            messages=sent,
            answer=redactor().redact(raw),
            error=redactor().redact(error),
            input_tokens=input_tokens,
            output_tokens=output_tokens,
            cost_usd=(
                input_tokens * settings.usd_per_million_input_tokens
                + output_tokens * settings.usd_per_million_output_tokens
            )
            / 1_000_000,
            attempt=self.attempt,
            seconds=seconds,
        )

    @property
    def seconds_left(self) -> float:
        """Until the deadline."""
        return self.deadline - time.monotonic()


def _sendable(message: Mapping[str, Any]) -> dict[str, Any]:
    """The keys of the protocol, without CrewAI's own marks; every text redacted once more."""
    kept = {key: message[key] for key in _SENT_KEYS if message.get(key) is not None}
    return {key: _redacted(value) if key == "content" else value for key, value in kept.items()}


def _redacted(content: Any) -> Any:
    return redactor().redact(content) if isinstance(content, str) else content
