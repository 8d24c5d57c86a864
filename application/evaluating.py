"""How right is the copilot? Labelled cases in, accuracy with its uncertainty out.

A case is a folder with `log.txt` or `log.<service>.txt` and a `label.json`; see
docs/how-to/evaluate.md for its fields.
"""

import json
import math
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field, ValidationError

from application.answering import Answer, AnsweredIncident

_Z95 = 1.959963984540054
"""The 97.5 % quantile of the normal distribution."""


class SecondFault(BaseModel):
    """An independent fault in the same logs, which a second incident must explain."""

    root_cause: str = ""
    category: str
    category_also: list[str] = []
    service: str
    evidence_substrings: list[str] = []
    must_mention_any: list[list[str]] = []


class Label(SecondFault):
    """What is true of a case. category: an ErrorClass, or `none` where nothing is wrong."""

    id: str
    also: SecondFault | None = None
    system: str = ""

    @property
    def healthy(self) -> bool:
        """Whether no incident may open."""
        return self.category == "none"


class CaseResult(BaseModel):
    """How one case went. None where the question does not arise (a healthy case has no cause)."""

    id: str
    detected: bool
    root_cause: bool | None = None
    error_class: bool | None = None
    service: bool | None = None
    false_alarms: int = 0
    grounded: int = 0
    citations: int = 0
    said: str = ""
    """The first incident's title and cause, or why the case could not be run."""


class Share(BaseModel):
    """A share with its 95 % interval (Wilson 1927, score interval)."""

    right: int
    of: int
    share: float
    low: float
    high: float


class Evaluation(BaseModel):
    """What `aiops eval --json` prints."""

    cases: int
    detection: Share
    root_cause: Share
    error_class: Share
    service: Share
    false_alarms: Share
    """Healthy cases with an incident."""
    grounded: Share
    """Citations whose quote stands on the line they name."""
    per_class: dict[str, Share] = Field(default_factory=dict)
    per_case: list[CaseResult] = Field(default_factory=list)


class CasesUnreadable(Exception):
    """The folder holds no cases, or a label cannot be read."""


def wilson(right: int, of: int) -> Share:
    """The share and its 95 % interval; the whole range where nothing was tried."""
    if of == 0:
        return Share(right=0, of=0, share=0.0, low=0.0, high=1.0)
    share = right / of
    spread = _Z95**2 / of
    centre = (share + spread / 2) / (1 + spread)
    half = _Z95 * math.sqrt(share * (1 - share) / of + spread / (4 * of)) / (1 + spread)
    return Share(
        right=right,
        of=of,
        share=round(share, 4),
        low=round(max(0.0, centre - half), 4),
        high=round(min(1.0, centre + half), 4),
    )


def evaluate(
    directory: Path,
    diagnose: Callable[[list[str]], Answer],
    progress: Callable[[str], None] = lambda _: None,
) -> Evaluation:
    """Run every case under `directory` (or its `cases` folder). Raises CasesUnreadable."""
    cases = _cases(directory)
    results = []
    labels = []
    for case, label in cases:
        progress(label.id)
        answer = diagnose([str(path) for path in sorted(case.glob("log*.txt"))])
        labels.append(label)
        results.append(judge_case(label, answer, case))
    return _summary(labels, results)


def judge_case(label: Label, answer: Answer, case: Path) -> CaseResult:
    """Compare an answer with what is true."""
    quotes = [evidence for incident in answer.incidents for evidence in incident.evidence]
    lines = {path.name: _lines(path) for path in case.glob("log*.txt")}
    grounded = sum(_stands(lines.get(e.source, []), e.line, e.quote) for e in quotes)
    first = answer.incidents[0] if answer.incidents else None
    said = f"{first.title} | {first.root_cause}" if first else ""
    common: dict[str, Any] = {
        "id": label.id,
        "grounded": grounded,
        "citations": len(quotes),
        "said": said,
    }
    if label.healthy:
        alarms = len(answer.incidents)
        return CaseResult(detected=alarms == 0, false_alarms=alarms, **common)
    faults = [label, *([label.also] if label.also else [])]
    found = [_best(fault, answer.incidents) for fault in faults]
    return CaseResult(
        detected=len(answer.incidents) >= len(faults),
        root_cause=all(
            f is not None and _mentions(fault, f) for fault, f in zip(faults, found, strict=True)
        ),
        error_class=all(
            f is not None and _same_class(fault, f) for fault, f in zip(faults, found, strict=True)
        ),
        service=all(
            f is not None and f.service == fault.service
            for fault, f in zip(faults, found, strict=True)
        ),
        **common,
    )


def _best(fault: SecondFault, incidents: list[AnsweredIncident]) -> AnsweredIncident | None:
    """The incident that fits a fault best; with one fault, the first incident is the answer."""
    scored = [
        (_mentions(fault, i), _same_class(fault, i), i.service == fault.service, -n, i)
        for n, i in enumerate(incidents)
    ]
    return max(scored, key=lambda row: row[:4])[4] if scored else None


def _mentions(fault: SecondFault, incident: AnsweredIncident) -> bool:
    text = f"{incident.title} {incident.root_cause}".lower()
    return all(any(word.lower() in text for word in group) for group in fault.must_mention_any)


def _same_class(fault: SecondFault, incident: AnsweredIncident) -> bool:
    return incident.error_class in (fault.category, *fault.category_also)


def _lines(path: Path) -> list[str]:
    return path.read_bytes().decode("utf-8", "backslashreplace").split("\n")


def _stands(lines: list[str], number: int, quote: str) -> bool:
    return 0 < number <= len(lines) and quote in lines[number - 1]


def _cases(directory: Path) -> list[tuple[Path, Label]]:
    home = directory / "cases" if (directory / "cases").is_dir() else directory
    found = []
    for label in sorted(home.glob("*/label.json")):
        try:
            data: dict[str, Any] = json.loads(label.read_text(encoding="utf-8"))
            found.append((label.parent, Label.model_validate({"id": label.parent.name, **data})))
        except (ValueError, ValidationError, OSError) as error:
            raise CasesUnreadable(f"{label}: {error}; correct the label") from error
    if not found:
        raise CasesUnreadable(
            f"{directory} holds no cases: give a folder with <case>/label.json and log*.txt"
        )
    return found


def _summary(labels: list[Label], results: list[CaseResult]) -> Evaluation:
    faulty = [r for r in results if r.root_cause is not None]
    healthy = [r for r in results if r.root_cause is None]
    classes: dict[str, list[CaseResult]] = {}
    for label, result in zip(labels, results, strict=True):
        if not label.healthy:
            classes.setdefault(label.category, []).append(result)
    return Evaluation(
        cases=len(results),
        detection=_share(r.detected for r in faulty),
        root_cause=_share(bool(r.root_cause) for r in faulty),
        error_class=_share(bool(r.error_class) for r in faulty),
        service=_share(bool(r.service) for r in faulty),
        false_alarms=_share(r.false_alarms > 0 for r in healthy),
        grounded=wilson(sum(r.grounded for r in results), sum(r.citations for r in results)),
        per_class={
            name: _share(bool(r.root_cause) for r in members)
            for name, members in sorted(classes.items())
        },
        per_case=results,
    )


def _share(outcomes: Iterable[bool]) -> Share:
    listed = list(outcomes)
    return wilson(sum(listed), len(listed))
