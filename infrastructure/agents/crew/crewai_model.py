"""Our model calls as CrewAI's language model.

Imports CrewAI: import this only where a crew runs.
"""

from contextlib import suppress
from typing import Any

from crewai.llms.base_llm import BaseLLM
from pydantic import PrivateAttr

from infrastructure.agents.crew.circuit import CircuitOpen
from infrastructure.agents.crew.endpoint import CallFailed
from infrastructure.agents.crew.model_calls import StepCalls


class NoAnswer(Exception):
    """The try is over. Says nothing itself: CrewAI reads messages and retries what reads like a
    rate limit, without a limit of time; the reason is in `StepCalls.failure`.
    """


class RecordedModel(BaseLLM):
    """Asks through `StepCalls`, so that CrewAI makes no call of its own."""

    _calls: StepCalls = PrivateAttr()

    def __init__(self, calls: StepCalls) -> None:
        settings = calls.endpoint.settings
        super().__init__(model=settings.model_name, provider="openai")
        self._calls = calls

    def call(
        self,
        messages: Any,
        tools: list[dict[str, Any]] | None = None,
        callbacks: list[Any] | None = None,  # noqa: ARG002 - CrewAI's signature
        available_functions: dict[str, Any] | None = None,  # noqa: ARG002
        from_task: Any = None,  # noqa: ARG002
        from_agent: Any = None,  # noqa: ARG002
        response_model: Any = None,  # noqa: ARG002
    ) -> Any:
        """The model's text, or the tool calls it wants CrewAI to make. Raises NoAnswer."""
        if isinstance(messages, str):
            messages = [{"role": "user", "content": messages}]
        answer = None
        # Raised below, outside: CrewAI also reads the exception that this one would be chained to.
        with suppress(CallFailed, CircuitOpen):
            answer = self._calls.ask(messages, tools or [])
        if answer is None:
            raise NoAnswer("the model gave no answer")
        # An empty text makes CrewAI raise; a blank one comes back to us and is judged as an answer.
        return answer.tool_calls if tools and answer.tool_calls else answer.text or " "

    def supports_function_calling(self) -> bool:
        """Tools are offered in the protocol's own way, unless the endpoint refused that."""
        return not self._calls.endpoint.plain

    def supports_stop_words(self) -> bool:
        """None are needed: no text protocol for tools is used."""
        return False

    def get_context_window_size(self) -> int:
        """In tokens. Prompts are bounded by us; CrewAI must not call a model to shorten them."""
        return 1_000_000

    def get_input_tokens_count(
        self,
        messages: Any,
        tools: Any = None,  # noqa: ARG002 - CrewAI's signature
        response_model: Any = None,  # noqa: ARG002
    ) -> int:
        """A guess, four characters a token, without the warning CrewAI's own guess prints."""
        return len(str(messages)) // 4
