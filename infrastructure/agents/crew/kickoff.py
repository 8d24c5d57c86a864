"""Runs one step as a CrewAI crew: one agent, one task, `Process.sequential`.

CrewAI is imported here and nowhere else (with the two modules that wrap it), on first use: the
import takes about 10 s. Before it, everything in it that speaks to the outside or asks the user
is switched off.
"""

import importlib
import logging
import os
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import stamina.instrumentation

from application.ports import Lookups
from domain.detection.anomaly import Line
from infrastructure.agents.crew.fencing import Fence
from infrastructure.agents.crew.model_calls import StepCalls
from infrastructure.agents.crew.prompts import backstory, role_and_goal

_QUIET = {
    "OTEL_SDK_DISABLED": "true",
    "CREWAI_DISABLE_TELEMETRY": "true",
    "CREWAI_DISABLE_TRACKING": "true",
    "CREWAI_TRACING_ENABLED": "false",
    "CREWAI_DISABLE_VERSION_CHECK": "true",
    "CREWAI_TESTING": "true",  # no question "do you want to enable tracing?" on the first run
    "ANONYMIZED_TELEMETRY": "false",  # chromadb's, which CrewAI brings along
    # onnxruntime's, which chromadb imports: it writes a device id and sends events to Microsoft.
    "ORT_DISABLE_TELEMETRY": "1",
}
_TOOL_ROUNDS = 4
"""How often an agent may look something up before it has to answer."""
_importing = threading.Lock()


def prepare_crewai(storage: Path) -> None:
    """Switch off what speaks to the outside, then import. Takes about 10 s the first time."""
    with _importing:
        # OTEL_SDK_DISABLED is for CrewAI alone, which reads it at import and at each run; whoever
        # exports spans from this process builds the provider before the first crew runs.
        os.environ.update(_QUIET)
        os.environ["CREWAI_STORAGE_DIR"] = str(storage.resolve())
        storage.mkdir(parents=True, exist_ok=True)
        logging.getLogger("crewai").setLevel(logging.CRITICAL)
        # Every try is in the journal; by default stamina also prints each retry on stderr.
        stamina.instrumentation.set_on_retry_hooks([])
        _keep_out_of_home(storage.resolve())
        importlib.import_module("crewai")


def _keep_out_of_home(storage: Path) -> None:
    """Its settings and (never used) credentials go to our folder.

    CrewAI 1.15 has no setting for that: it makes `~/.config/crewai` and `~/.local/share/crewai`
    on each run. A test starts it with an empty home and fails when anything appears there.
    """
    settings: Any = importlib.import_module("crewai_core.settings")
    tokens: Any = importlib.import_module("crewai_core.token_manager")
    settings.DEFAULT_CONFIG_PATH = storage / "settings.json"
    tokens.TokenManager._get_secure_storage_path = staticmethod(lambda: storage)


class StepCrew:
    """The crew of one step. Its agent's model, look-ups and fence are the step's own."""

    def __init__(
        self, calls: StepCalls, language: str, lookups: Lookups | None, fence: Fence
    ) -> None:
        self._calls = calls
        self._language = language
        self._lookups = lookups
        self._fence = fence
        self._over = False
        self.shown: dict[str, Line] = {}
        """Records the look-ups showed, by address."""

    def close(self) -> None:
        """The step has ended: an agent that goes on regardless gets nothing looked up any more."""
        self._over = True

    def run(self, prompt: str) -> str:
        """What the agent answers. Raises whatever CrewAI raises when the model gives no answer."""
        crewai: Any = importlib.import_module("crewai")
        from infrastructure.agents.crew.crewai_model import RecordedModel

        role, goal = role_and_goal(self._calls.step)
        agent = crewai.Agent(
            role=role,
            goal=goal,
            backstory=backstory(self._language),
            llm=RecordedModel(self._calls),
            tools=self._tools(),
            allow_delegation=False,
            cache=True,
            max_iter=_TOOL_ROUNDS,
            max_retry_limit=0,
            respect_context_window=False,
            verbose=False,
        )
        task = crewai.Task(description=prompt, expected_output="One JSON object", agent=agent)
        crew = crewai.Crew(
            agents=[agent],
            tasks=[task],
            process=crewai.Process.sequential,
            cache=True,
            # CrewAI's memory asks a model and an embedding service on each save and recall, outside
            # our limits. What we remember comes through Lookups.similar_incidents instead.
            memory=False,
            tracing=False,
            share_crew=False,
            verbose=False,
        )
        return str(crew.kickoff().raw)

    def _tools(self) -> list[Any]:
        if self._lookups is None or self._calls.endpoint.plain:
            return []
        from infrastructure.agents.crew.tools import lookup_tools

        return list(lookup_tools(self._lookups, self._fence, self._remember, lambda: self._over))

    def _remember(self, lines: Iterable[Line]) -> None:
        self.shown.update({line.ref: line for line in lines})
