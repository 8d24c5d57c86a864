"""The `crew` engine: context, diagnosis, fix and report by CrewAI agents.

Each step is a sequential crew of its own agent and task, with the former steps' outputs as its
context, instead of one crew of four: between two steps the gate judges, a refused answer is asked
for again with the objection, a step's own limit ends it, and what fails falls back to the knowledge
engine. A single kickoff over four tasks would hide all that inside the library.
"""

import random
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import stamina

from application.ports import CaseFile, Engine, Journal, Lookups, StepAbandoned
from domain.detection.anomaly import Line
from domain.investigations.diagnosis import Context, Diagnosis, Hypothesis
from domain.investigations.investigation import Step
from domain.investigations.planted_instructions import planted_instruction_findings
from domain.investigations.remediation import Remediation
from domain.investigations.report import Report
from infrastructure.agents.crew import answers
from infrastructure.agents.crew.circuit import Circuit, CircuitOpen
from infrastructure.agents.crew.endpoint import CallFailed, ChatEndpoint
from infrastructure.agents.crew.kickoff import StepCrew, prepare_crewai
from infrastructure.agents.crew.limits import ClosableJournal, OutOfTime, within
from infrastructure.agents.crew.model_calls import StepCalls
from infrastructure.agents.crew.prompts import PromptWriter
from infrastructure.agents.crew.settings import ModelSettings, model_settings_problem

T = TypeVar("T")


class CrewEngine:
    """All four agents on one model. `advisor`: the engine whose hypotheses the model criticises."""

    name = "crew"

    def __init__(self, settings: ModelSettings, advisor: Engine | None = None) -> None:
        self._settings = settings
        self._advisor = advisor
        self._endpoint = ChatEndpoint(settings)
        self._circuit = Circuit(
            settings.endpoint, settings.breaker_failures, settings.breaker_seconds
        )

    def prepare(self) -> None:
        """Import CrewAI now (about 10 s), so that no step's wall time holds it."""
        prepare_crewai(self._settings.storage)

    def gather(self, case: CaseFile, lookups: Lookups, journal: Journal) -> Context:
        """The timeline, dependencies and changes the model sees. Raises StepAbandoned."""
        prompts = PromptWriter(case, self._settings.prompt_characters)
        base = self._base(case, lookups, journal)

        def read(answer: str, lines: dict[str, Line]) -> Context:
            return answers.context_from(answers.read(answer, answers.ContextAnswer), base, lines)

        return self._step(
            Step.CONTEXT,
            case,
            lookups,
            journal,
            prompts,
            lambda o: prompts.context(base, o),
            read,
        )

    def diagnose(
        self,
        case: CaseFile,
        context: Context,
        lookups: Lookups,
        journal: Journal,
        objection: str = "",
    ) -> Diagnosis:
        """The model's ranked hypotheses. Raises StepAbandoned."""
        prompts = PromptWriter(case, self._settings.prompt_characters)
        candidates = self._candidates(case, context, lookups, journal)
        findings = planted_instruction_findings(case.lines())

        def read(answer: str, lines: dict[str, Line]) -> Diagnosis:
            form = answers.read(answer, answers.DiagnosisAnswer)
            return answers.diagnosis_from(form, candidates, lines, findings)

        return self._step(
            Step.DIAGNOSIS,
            case,
            lookups,
            journal,
            prompts,
            lambda o: prompts.diagnosis(context, candidates, _both(objection, o)),
            read,
        )

    def fix(
        self,
        case: CaseFile,
        context: Context,
        diagnosis: Diagnosis,
        journal: Journal,
        objection: str = "",
    ) -> Remediation:
        """What the model proposes to do. Raises StepAbandoned."""
        prompts = PromptWriter(case, self._settings.prompt_characters // 2)
        return self._step(
            Step.FIX,
            case,
            None,
            journal,
            prompts,
            lambda o: prompts.fix(context, diagnosis, _both(objection, o)),
            lambda answer, _: answers.remediation_from(
                answers.read(answer, answers.FixAnswer), diagnosis
            ),
        )

    def report(
        self,
        case: CaseFile,
        context: Context,
        diagnosis: Diagnosis,
        remediation: Remediation,
        journal: Journal,
        objection: str = "",
    ) -> Report:
        """The report in the model's words. Raises StepAbandoned."""
        prompts = PromptWriter(case, self._settings.prompt_characters)
        return self._step(
            Step.REPORT,
            case,
            None,
            journal,
            prompts,
            lambda o: prompts.report(context, diagnosis, remediation, _both(objection, o)),
            lambda answer, _: answers.report_from(
                answers.read(answer, answers.ReportAnswer), diagnosis
            ),
        )

    def _base(self, case: CaseFile, lookups: Lookups, journal: Journal) -> Context:
        """What is known without a model."""
        try:
            if self._advisor is not None:
                return self._advisor.gather(case, lookups, journal)
        except StepAbandoned:
            pass  # the advisor knows nothing here: then only what the look-ups remember
        similar = lookups.similar_incidents(case.title, limit=5)
        return Context(services=case.services, similar=similar)

    def _candidates(
        self, case: CaseFile, context: Context, lookups: Lookups, journal: Journal
    ) -> list[Hypothesis]:
        if self._advisor is None:
            return []
        try:
            return self._advisor.diagnose(case, context, lookups, journal).hypotheses[:5]
        except StepAbandoned:
            return []

    def _step(
        self,
        step: Step,
        case: CaseFile,
        lookups: Lookups | None,
        journal: Journal,
        prompts: PromptWriter,
        prompt: Callable[[str], str],
        read: Callable[[str, dict[str, Line]], T],
    ) -> T:
        """Run a step within its limit: crew, answer, up to `tries` times. Raises StepAbandoned."""
        if problem := model_settings_problem(self._settings):
            raise StepAbandoned(step, problem)
        self.prepare()
        limit = self._settings.limits[step]
        kept = ClosableJournal(journal)
        # The call itself ends a little before the step does, so that it is recorded with its error.
        deadline = time.monotonic() + limit - min(0.5, limit * 0.05)
        calls = StepCalls(step, self._endpoint, self._circuit, kept, deadline)
        crew = StepCrew(calls, self._settings.language, lookups, prompts.fence)
        known = {line.ref: line for line in case.lines()}
        try:
            return within(
                limit,
                lambda: self._attempted(
                    calls, lambda o: crew.run(prompt(o)), lambda a: read(a, known | crew.shown)
                ),
            )
        except (OutOfTime, CallFailed, CircuitOpen, answers.BadAnswer) as error:
            raise StepAbandoned(step, self._reason(error, calls, limit)) from None
        finally:
            kept.close()
            crew.close()

    def _attempted(
        self, calls: StepCalls, answer: Callable[[str], str], read: Callable[[str], T]
    ) -> T:
        """Ask and read; ask again when there is no answer, or none that can be read."""
        objection = ""
        for attempt in self._attempts(calls):
            with attempt, _plain_failure(calls):
                calls.attempt, calls.failure = attempt.num, None
                try:
                    return read(answer(objection))
                except answers.BadAnswer as bad:
                    objection = str(bad)
                    raise
        raise AssertionError("stamina ends with a result or the last error")

    def _attempts(self, calls: StepCalls) -> Iterable[stamina.Attempt]:
        settings = self._settings

        def wait(error: Exception) -> bool | float:
            """Seconds to wait before another try; False for none."""
            if isinstance(error, answers.BadAnswer):
                return 0.0 if calls.seconds_left > 0 else False
            if not isinstance(error, CallFailed) or error.final:
                return False
            if error.extras_refused:
                return 0.0
            pause = settings.first_wait * 2 ** (calls.attempt - 1) * random.uniform(0.5, 1.5)  # noqa: S311 - jitter
            pause = max(pause, error.retry_after or 0.0)
            # Waiting longer than there is time would only delay the fallback.
            return pause if pause < calls.seconds_left else False

        return stamina.retry_context(on=wait, attempts=settings.tries, timeout=None)

    def _reason(self, error: Exception, calls: StepCalls, limit: float) -> str:
        if isinstance(error, OutOfTime):
            return f"the model gave no answer within the step's {limit:g} s"
        if isinstance(error, answers.BadAnswer):
            return f"the model's answer could not be used after {calls.attempt} tries: {error}"
        if isinstance(error, CircuitOpen):
            return f"the model is not asked for now: {error}"
        return f"the model gave no answer in {calls.attempt} tries: {error}"


@contextmanager
def _plain_failure(calls: StepCalls) -> Iterator[None]:
    """What CrewAI makes of a failed call, as the failure it was."""
    try:
        yield
    except answers.BadAnswer:
        raise
    except Exception as error:
        if calls.failure is not None:
            raise calls.failure from None
        # CrewAI itself gave up, for example because the model called tools and never answered.
        raise answers.BadAnswer(
            f"the agent did not come to an answer ({type(error).__name__})"
        ) from error


def _both(gate: str, form: str) -> str:
    """The gate's objection to the last answer and what was wrong with this step's last try."""
    return " ".join(part for part in (gate, form) if part)
