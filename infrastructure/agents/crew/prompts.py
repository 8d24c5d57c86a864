"""The prompts of the four steps, from files whose version is recorded with every call."""

import hashlib
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
import yaml

from application.ports import CaseFile
from domain.detection.anomaly import Line
from domain.investigations.diagnosis import Context, Diagnosis, Hypothesis, SimilarIncident
from domain.investigations.investigation import Step
from domain.investigations.remediation import Remediation
from domain.knowledge.vocabulary import ErrorClass
from infrastructure.agents.crew.fencing import Fence, shortened, shown_records

_FOLDER = Path(__file__).parent / "prompts"


@cache
def prompt_version(step: Step) -> str:
    """`step@version-hash`: the hash is over the files, so no edit goes unnoticed."""
    agents = (_FOLDER / "agents.yaml").read_bytes()
    digest = hashlib.sha256(agents + (_FOLDER / f"{step}.j2").read_bytes()).hexdigest()
    return f"{step}@{_agents()['version']}-{digest[:12]}"


def role_and_goal(step: Step) -> tuple[str, str]:
    """Who does this step and what for."""
    agent = _agents()["agents"][step.value]
    return agent["role"], agent["goal"]


def backstory(language: str) -> str:
    """The rules every agent works under, and the language it answers in."""
    languages = _agents()["languages"]
    return f"{_agents()['rules']} {languages.get(language, languages['en'])}"


class PromptWriter:
    """Fills the prompts of one step. All text from logs goes through its fence."""

    def __init__(self, case: CaseFile, characters: int) -> None:
        self.fence = Fence()
        self._case = case
        self._characters = characters

    def context(self, base: Context, objection: str) -> str:
        """What happened, in which order, who depends on whom, beyond what `base` knows."""
        return self._filled(
            Step.CONTEXT,
            objection,
            similar=self._similar(base.similar),
            timeline=self._timeline(base),
        )

    def diagnosis(self, context: Context, candidates: list[Hypothesis], objection: str) -> str:
        """What the cause is. `candidates`: the knowledge engine's hypotheses, to be criticised."""
        listed = "\n".join(
            f"{number}. {shortened(c.root_cause)} (class {c.error_class}, service "
            f"{shortened(c.service, 60)}, confidence {c.confidence:.2f}"
            + "".join(f"; shown by [{q.ref}] {shortened(q.quote, 160)}" for q in c.citations[:2])
            + ")"
            for number, c in enumerate(candidates[:5], 1)
        )
        return self._filled(
            Step.DIAGNOSIS,
            objection,
            similar=self._similar(context.similar),
            timeline=self._timeline(context),
            candidates=self.fence.around("Candidates from failure rules:", listed),
            has_candidates=bool(candidates),
            error_classes=", ".join(ErrorClass),
        )

    def fix(self, context: Context, diagnosis: Diagnosis, objection: str) -> str:
        """What to do."""
        return self._filled(
            Step.FIX,
            objection,
            diagnosis=self._diagnosis(diagnosis),
            similar=self._similar(context.similar),
        )

    def report(
        self, context: Context, diagnosis: Diagnosis, remediation: Remediation, objection: str
    ) -> str:
        """What to tell."""
        steps = [remediation.summary, *remediation.mitigation, *remediation.steps]
        return self._filled(
            Step.REPORT,
            objection,
            diagnosis=self._diagnosis(diagnosis),
            timeline=self._timeline(context),
            remediation=self.fence.around(
                "Proposed remediation:", "\n".join(shortened(step, 300) for step in steps[:20])
            ),
        )

    def _filled(self, step: Step, objection: str, **parts: Any) -> str:
        template = _environment().get_template(f"{step}.j2")
        text = template.render(
            case_title=self.fence.around("", shortened(self._case.title, 200)).strip(),
            opened_because=self.fence.around("", shortened(self._case.opened_because)).strip(),
            services=self.fence.around(
                "Services involved:", ", ".join(shortened(s, 60) for s in self._case.services[:50])
            ),
            symptoms=self._symptoms(),
            records=self.fence.around(
                "Records:", shown_records(_most_telling_first(self._case), self._characters)
            ),
            # An objection quotes the refused answer, which may quote the log.
            objection=self.fence.around(
                "Your last answer was refused. Mend this:", shortened(objection, 1_500)
            ),
            **parts,
        )
        return "\n".join(line for line in text.splitlines() if line.strip())

    def _symptoms(self) -> str:
        """Patterns with their slots before any raw text: what repeats is told once."""
        told = "\n".join(
            f"{a.count} x {shortened(a.service, 60)}: {shortened(a.template, 200)} "
            f"({a.kind}; {shortened(a.reason, 200)})"
            for a in self._case.anomalies[:20]
        )
        return self.fence.around("Patterns that made it an incident:", told)

    def _timeline(self, context: Context) -> str:
        entries = sorted((*context.timeline, *context.changes), key=lambda entry: entry.time)
        told = [f"{shortened(e.service, 60)}: {shortened(e.what, 200)}" for e in entries[:25]]
        told += [
            f"{shortened(d.caller, 60)} depends on {shortened(d.callee, 60)}"
            for d in context.dependencies[:15]
        ]
        return self.fence.around("What happened, in order:", "\n".join(told))

    def _similar(self, similar: list[SimilarIncident]) -> str:
        told = "\n".join(
            f"{shortened(s.title, 150)}: {shortened(s.root_cause, 200)} (class {s.error_class}, "
            f"{'confirmed by a person' if s.confirmed else 'not confirmed'})"
            for s in similar[:5]
        )
        return self.fence.around("Past incidents that look alike:", told)

    def _diagnosis(self, diagnosis: Diagnosis) -> str:
        told = [
            f"Root cause: {shortened(diagnosis.root_cause)}",
            f"Class: {diagnosis.error_class}; criticality: {diagnosis.criticality}",
            f"Service: {shortened(diagnosis.service, 60)}",
            shortened(diagnosis.explanation, 600),
            *(f"Shown by [{c.ref}] {shortened(c.quote, 300)}" for c in diagnosis.citations[:5]),
        ]
        return self.fence.around("Diagnosis:", "\n".join(part for part in told if part))


def _most_telling_first(case: CaseFile) -> Iterable[Line]:
    """Each anomaly's first record, then the cited ones, then their surroundings; by time each."""
    firsts = [a.evidence[0].record for a in case.anomalies if a.evidence]
    cited = [e.record for a in case.anomalies for e in a.evidence]
    seen: set[str] = set()
    for group in (firsts, cited, list(case.lines())):
        for line in sorted(group, key=lambda line: line.time):
            if line.ref not in seen:
                seen.add(line.ref)
                yield line


@cache
def _agents() -> Any:
    return yaml.safe_load((_FOLDER / "agents.yaml").read_text("utf-8"))


@cache
def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(_FOLDER),
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # noqa: S701 - a prompt is no HTML; log text goes through the fence
    )
