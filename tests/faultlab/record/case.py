"""What a case is: a fault, its label, and the script that injects it."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.faultlab.record.laboratory import Laboratory

_REPOSITORY = Path(__file__).resolve().parents[3]

HERE = Path(__file__).resolve().parent.parent
MOST_LINES = 390
MOST_BYTES = 58_000

Script = Callable[[Laboratory], None]


@dataclass(frozen=True)
class Fault:
    """What is wrong, as someone who injected it knows it."""

    root_cause: str
    category: str
    service: str
    evidence: tuple[str, ...]
    mention: tuple[tuple[str, ...], ...]
    right_too: tuple[str, ...] = ()

    def label(self) -> dict[str, Any]:
        """The label's keys for this fault, as `aiops eval` reads them."""
        label: dict[str, Any] = {
            "root_cause": self.root_cause,
            "category": self.category,
            "service": self.service,
            "evidence_substrings": list(self.evidence),
            "must_mention_any": [list(group) for group in self.mention],
        }
        if self.right_too:
            label["category_also"] = list(self.right_too)
        return label


HEALTHY = Fault("", "none", "", (), ())


@dataclass(frozen=True)
class Case:
    """One recording: its name, what was injected, and how."""

    name: str
    system: str
    injected: str
    criticality: str
    fault: Fault
    script: Script
    second: Fault | None = None

    @property
    def folder(self) -> Path:
        """Where it lies. A third, drawn by the hash of the name, is set aside."""
        third = hashlib.sha256(self.name.encode()).digest()[0] % 3 == 0
        return HERE / ("set_aside" if third else "cases") / self.name

    def label(self) -> dict[str, Any]:
        """The whole label."""
        label = {
            "id": self.name,
            "system": self.system,
            "fault": self.injected,
            "criticality": self.criticality,
        } | self.fault.label()
        if self.second is not None:
            label["also"] = self.second.label()
        return label


@dataclass
class Cases:
    """The cases of one family of technologies, filled by decorating their scripts."""

    found: dict[str, Case] = field(default_factory=dict)

    def case(
        self,
        name: str,
        system: str,
        injected: str,
        fault: Fault = HEALTHY,
        *,
        criticality: str = "high",
        second: Fault | None = None,
    ) -> Callable[[Script], Script]:
        """The decorated function records this case."""

        def keep(script: Script) -> Script:
            grade = "low" if fault is HEALTHY else criticality
            self.found[name] = Case(name, system, injected, grade, fault, script, second)
            return script

        return keep


class EvidenceMissing(Exception):
    """The logs do not hold what the label says proves the fault."""


def record(case: Case) -> int:
    """Run the script and keep its logs. Returns how many lines.

    Raises EvidenceMissing when the fault did not leave the traces the label promises.
    """
    with Laboratory() as laboratory:
        case.script(laboratory)
        laboratory.stop_everything()
        logs = laboratory.texts()
    kept = _cut(logs)
    _prove(case, "\n".join(kept.values()))
    case.folder.mkdir(parents=True, exist_ok=True)
    for old in case.folder.glob("log*.txt"):
        old.unlink()
    for service, text in kept.items():
        name = "log.txt" if len(kept) == 1 else f"log.{service}.txt"
        (case.folder / name).write_text(text)
    (case.folder / "label.json").write_text(json.dumps(case.label(), indent=1) + "\n")
    return sum(text.count("\n") for text in kept.values())


def _cut(logs: dict[str, str]) -> dict[str, str]:
    """Whole lines from each log's beginning, each log its fair share of the case's size."""
    spoke = {service: text.splitlines(keepends=True) for service, text in logs.items() if text}
    lines, size = MOST_LINES, MOST_BYTES
    kept = {}
    for left, (service, text) in zip(
        range(len(spoke), 0, -1), sorted(spoke.items(), key=lambda item: len(item[1])), strict=True
    ):
        head, used = [], 0
        for line in text[: lines // left]:
            if used + len(line.encode()) > size // left:
                break
            head.append(line)
            used += len(line.encode())
        kept[service] = "".join(head)
        lines, size = lines - len(head), size - used
    return kept


def _prove(case: Case, text: str) -> None:
    wanted = case.fault.evidence + (case.second.evidence if case.second else ())
    missing = [proof for proof in wanted if proof not in text]
    if missing or not text.strip():
        raise EvidenceMissing(f"{case.name}: {missing or 'nothing was logged'}")
    if str(_REPOSITORY) in text or f"{Path.home()}/" in text:
        raise EvidenceMissing(f"{case.name}: the logs name a path of the recording's own machine")
