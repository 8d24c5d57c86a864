"""An investigation asked for in, a diagnosis out: the run of the four steps."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from application.event_log import ConcurrentAppend, EventLog, read_all
from application.investigation_run import Run
from application.lookups import RecordedLookups, Records, SimilarIncidents, Surroundings
from application.ports import CaseFile, Engine, StepAbandoned
from application.recording import utc_now
from application.time_limits import TimeLimitExceeded, within
from domain.detection.anomaly import Line
from domain.incidents.incident import Incident, IncidentOpened, anomalies_in
from domain.investigations.diagnosis import Context, Diagnosis
from domain.investigations.gate import citations_of, objections_to
from domain.investigations.investigation import (
    Investigation,
    InvestigationClaimed,
    InvestigationConcluded,
    InvestigationRequested,
    Step,
    StepCompleted,
    StepFailed,
    StepFellBack,
    StepStarted,
)
from domain.investigations.remediation import Remediation
from domain.investigations.report import Report
from domain.knowledge.knowledge_base import KnowledgeBase
from domain.provenance import Cause, Fact

_TRIES_AT_THE_GATE = 2
_TRIES_TO_TELL = 20
_LEASE_MARGIN = timedelta(seconds=30)
Output = TypeVar("Output", Context, Diagnosis, Remediation, Report)


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds each step and the whole run may take (DESIGN section 3)."""

    context: float = 30.0
    diagnosis: float = 60.0
    fix: float = 90.0
    report: float = 30.0
    run: float = 300.0
    grace: float = 10.0
    """What an engine may take longer than its limit, to give up by itself, before it is left."""

    def of(self, step: Step) -> float:
        """The limit of one step."""
        return float(getattr(self, step.value))


class InvestigationFailed(Exception):
    """No engine could give a step's answer."""


class Investigator:
    """A worker: claims investigations and runs their four steps."""

    def __init__(  # noqa: PLR0913 - an investigation needs exactly these
        self,
        log: EventLog,
        knowledge: KnowledgeBase,
        engines: Mapping[str, Engine],
        records: Records,
        surroundings: Surroundings,
        similar: SimilarIncidents,
        *,
        limits: Limits | None = None,
        worker: str = "worker-1",
        alone: bool = False,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        """`engines` by name; `knowledge` must be among them, it is what everything falls back to.

        `alone`: no other process works on this store, so a lease found in it is a dead worker's.
        """
        self._log = log
        self._knowledge = knowledge
        self._engines = engines
        self._records = records
        self._surroundings = surroundings
        self._similar = similar
        self._limits = limits or Limits()
        self._worker = worker
        self._alone = alone
        self._clock = clock
        self._position = 0
        self._waiting: dict[UUID, None] = {}

    def waiting(self) -> list[UUID]:
        """Investigations asked for and not concluded, oldest first."""
        topics: list[type[Fact]] = [InvestigationRequested, InvestigationConcluded]
        for recorded in read_all(self._log, self._position, topics):
            self._position = recorded.position
            if isinstance(recorded.event, InvestigationRequested):
                self._waiting[recorded.event.originator_id] = None
            else:
                self._waiting.pop(recorded.event.originator_id, None)
        return list(self._waiting)

    def run(self, investigation_id: UUID) -> Diagnosis | None:
        """Claim and run one investigation.

        Returns its diagnosis; None when somebody else has it, or it ended without an answer.
        """
        investigation = self._claim(investigation_id)
        if investigation is None:
            return None
        last = self._log.last_of(investigation_id)
        assert last is not None
        run = Run(self._log, investigation, last.leads_to("agent"))
        try:
            return self._conclude(run)
        except ConcurrentAppend:  # our lease ran out, and another worker goes on with it
            return None

    def _conclude(self, run: Run) -> Diagnosis | None:
        investigation = run.investigation
        began = time.monotonic()
        case = self._case(investigation.incident_id)
        lookups = RecordedLookups(self._records, self._surroundings, self._similar, run.tool_called)
        engines = dict(investigation.engines)
        deadline = began + self._limits.run
        try:
            _, diagnosis, remediation, report = self._steps(run, case, lookups, engines, deadline)
        except InvestigationFailed as failure:
            run.note(
                InvestigationConcluded,
                outcome=f"failed: {failure}",
                incident_id=investigation.incident_id,
                seconds=round(time.monotonic() - began, 3),
                diagnosis=None,
                remediation=None,
                report=None,
                engines=engines,
            )
            return None
        answer = {
            "diagnosis": diagnosis.model_dump(mode="json"),
            "remediation": remediation.model_dump(mode="json"),
            "report": report.model_dump(mode="json"),
        }
        concluded = investigation.record(
            InvestigationConcluded,
            run.cause,
            outcome="diagnosed" if diagnosis.cause_visible else "cause not in the logs",
            incident_id=investigation.incident_id,
            seconds=round(time.monotonic() - began, 3),
            engines=engines,
            **answer,
        )
        self._tell_incident(run, Cause("investigating", run.cause.correlation_id, concluded),
                            diagnosis, answer)  # fmt: skip
        return diagnosis

    def _steps(
        self,
        run: Run,
        case: CaseFile,
        lookups: RecordedLookups,
        engines: dict[str, str],
        deadline: float,
    ) -> tuple[Context, Diagnosis, Remediation, Report]:
        def step(which: Step, model: type[Output], call: Callable[[Engine, str], Output]) -> Output:
            return self._step(run, which, model, call, case, lookups, engines, deadline)

        context = step(Step.CONTEXT, Context, lambda engine, _: engine.gather(case, lookups, run))
        diagnosis = step(
            Step.DIAGNOSIS,
            Diagnosis,
            lambda engine, why: engine.diagnose(case, context, lookups, run, why),
        )
        remediation = step(
            Step.FIX,
            Remediation,
            lambda engine, why: engine.fix(case, context, diagnosis, run, why),
        )
        report = step(
            Step.REPORT,
            Report,
            lambda engine, why: engine.report(case, context, diagnosis, remediation, run, why),
        )
        return context, diagnosis, remediation, report

    def _step(
        self,
        run: Run,
        step: Step,
        model: type[Output],
        call: Callable[[Engine, str], Output],
        case: CaseFile,
        lookups: RecordedLookups,
        engines: dict[str, str],
        deadline: float,
    ) -> Output:
        """One step: the asked-for engine, at the gate twice, then the knowledge engine."""
        run.step = step
        run.cause = run.cause.by(f"agent:{step.value}")
        done = run.investigation.outputs.get(step.value)
        if done is not None:  # a run that was interrupted goes on where it was
            answer = model.model_validate(done)
            self._show_again(answer, case, lookups)
            return answer
        asked = run.investigation.engine
        order = [asked] if asked == "knowledge" else [asked, "knowledge"]
        reason = ""
        for number, name in enumerate(order):
            engine = self._engines.get(name)
            if number:
                run.note(
                    StepFellBack,
                    step=step.value,
                    from_engine=order[number - 1],
                    to_engine=name,
                    reason=reason,
                )
            if engine is None:
                reason = f"the engine {name!r} is not configured"
                continue
            output, reason = self._try(run, step, engine, call, case, lookups, deadline)
            if output is not None:
                engines[step.value] = name
                return output
        raise InvestigationFailed(f"step {step.value}: {reason}")

    def _try(
        self,
        run: Run,
        step: Step,
        engine: Engine,
        call: Callable[[Engine, str], Output],
        case: CaseFile,
        lookups: RecordedLookups,
        deadline: float,
    ) -> tuple[Output | None, str]:
        objection = ""
        for attempt in range(1, _TRIES_AT_THE_GATE + 1):
            left = deadline - time.monotonic()
            if left <= 0 and engine.name != "knowledge":
                return None, f"the run's limit of {self._limits.run:g} s is used up"
            limit = self._limits.of(step)
            run.note(StepStarted, step=step.value, engine=engine.name, limit_seconds=limit)
            began = time.monotonic()
            try:
                output = self._answer(engine, limit, left, lambda: call(engine, objection))  # noqa: B023
                objections = objections_to(
                    output, self._known(case, lookups), self._facts(case, output)
                )
            except StepAbandoned as abandoned:
                self._failed(run, step, engine, abandoned.reason, attempt, began)
                return None, abandoned.reason
            except TimeLimitExceeded as late:
                run.disown(late.thread)
                self._failed(run, step, engine, str(late), attempt, began)
                return None, str(late)
            except Exception as error:  # an engine is a plugin: its fault must not end the run
                if run.lost is not None:
                    raise run.lost from error
                reason = f"{type(error).__name__}: {error}"[:500]
                self._failed(run, step, engine, reason, attempt, began)
                return None, reason
            if not objections:
                run.note(
                    StepCompleted,
                    step=step.value,
                    engine=engine.name,
                    output=output.model_dump(mode="json"),
                    seconds=round(time.monotonic() - began, 6),
                )
                return output, ""
            objection = " ".join(objections)[:2_000]
            self._failed(run, step, engine, f"refused by the gate: {objection}", attempt, began)
        return None, f"refused by the gate: {objection}"

    def _answer(
        self, engine: Engine, limit: float, left: float, call: Callable[[], Output]
    ) -> Output:
        """An engine's answer in its time; ours needs no watching. Raises TimeLimitExceeded."""
        if engine.name == "knowledge":
            return call()
        return within(min(limit, left) + self._limits.grace, call)

    def _failed(
        self, run: Run, step: Step, engine: Engine, reason: str, attempt: int, began: float
    ) -> None:
        run.note(
            StepFailed,
            step=step.value,
            engine=engine.name,
            reason=reason,
            attempt=attempt,
            seconds=round(time.monotonic() - began, 6),
        )

    def _show_again(self, answer: Output, case: CaseFile, lookups: RecordedLookups) -> None:
        """What an interrupted run had been shown and cited, the steps after it may cite too."""
        known = self._known(case, lookups)
        for citation in citations_of(answer):
            if citation.ref not in known and citation.ref not in lookups.shown:
                lookups.records_around(citation.source, citation.sequence, count=0)

    def _known(self, case: CaseFile, lookups: RecordedLookups) -> dict[str, Line]:
        return {line.ref: line for line in case.lines()} | lookups.shown

    def _facts(self, case: CaseFile, output: object) -> list[str]:
        """Sentences whose numbers need no record: what we counted, what the catalogue says."""
        facts = [anomaly.reason for anomaly in case.anomalies]
        if isinstance(output, Diagnosis):
            rules = (self._knowledge.rules.get(h.rule_id or "") for h in output.hypotheses)
            facts += [f"{rule.title} {rule.root_cause}" for rule in rules if rule]
        return facts

    def _claim(self, investigation_id: UUID) -> Investigation | None:
        investigation = self._log.load(investigation_id)
        now = self._clock()
        if not isinstance(investigation, Investigation):
            return None
        # Whoever asks here is not running it: alone, its lease is a dead run's, maybe our own.
        if investigation.concluded or not (self._alone or investigation.claimable(now)):
            return None
        last = self._log.last_of(investigation_id)
        assert last is not None
        investigation.record(
            InvestigationClaimed,
            last.leads_to(self._worker),
            worker=self._worker,
            lease_until=now + timedelta(seconds=self._limits.run) + _LEASE_MARGIN,
        )
        try:
            self._log.append(investigation)
        except ConcurrentAppend:
            return None
        return investigation

    def _case(self, incident_id: UUID) -> CaseFile:
        events = list(self._log.stream(incident_id))
        opened = next(e for e in events if isinstance(e, IncidentOpened))
        return CaseFile(
            incident_id=incident_id,
            title=opened.title,
            opened_because=opened.reason,
            anomalies=anomalies_in(events),
        )

    def _tell_incident(
        self, run: Run, cause: Cause, diagnosis: Diagnosis, answer: dict[str, dict[str, Any]]
    ) -> None:
        """Record the conclusion in the run's stream and in the incident's own, both or neither."""
        conclusion = run.investigation.collect_events()
        for attempt in range(1, _TRIES_TO_TELL + 1):
            incident = self._log.load(run.investigation.incident_id)
            assert isinstance(incident, Incident)
            incident.reach_diagnosis(run.investigation.id, **answer, cause=cause)
            incident.escalate(diagnosis.criticality, diagnosis.criticality_reason, cause)
            try:
                self._log.append(*conclusion, incident)
            except ConcurrentAppend:
                # Evidence joined meanwhile: load and decide again. Or the run is another's now.
                if attempt == _TRIES_TO_TELL:
                    raise
                continue
            return
