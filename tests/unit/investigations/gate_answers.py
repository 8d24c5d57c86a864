"""Answers of agents for the gate to judge: proven, complete, harmless."""

from typing import Any

from domain.detection.anomaly import Line
from domain.investigations.diagnosis import (
    Citation,
    Diagnosis,
)
from domain.investigations.remediation import Remediation
from domain.investigations.report import Report

TRACE = "ERROR pool exhausted after 30000 ms\n  at Pool.acquire (pool.js:12)\n  at main (app.js:7)"


def a_line(sequence: int = 7, original: str = TRACE, *, source: str = "app.log") -> Line:
    return Line(
        source=source,
        sequence=sequence,
        line=40,
        line_count=original.count("\n") + 1,
        time=1_714_521_600_000_000_000,  # 2024-05-01
        severity_number=17,
        service="app",
        text=original,
        original=original,
    )


LINES = {"app.log#7": a_line()}


def cite(quote: str = "pool exhausted", line: int = 40, sequence: int = 7) -> Citation:
    return Citation(source="app.log", sequence=sequence, line=line, quote=quote)


def a_diagnosis(**changes: Any) -> Diagnosis:
    facts: dict[str, Any] = {
        "root_cause": "The connection pool is exhausted",
        "error_class": "connections_exhausted",
        "service": "app",
        "confidence": 0.8,
        "citations": [cite()],
    }
    facts |= {name: changes.pop(name) for name in list(changes) if name in facts}
    return Diagnosis.model_validate(
        {"title": "Pool exhausted", "criticality": "high", "hypotheses": [facts]} | facts | changes
    )


def a_remediation(**changes: Any) -> Remediation:
    return Remediation(
        **({"summary": "Enlarge the pool", "steps": ["Set pool size to 40"]} | changes)
    )


def a_report(**changes: Any) -> Report:
    texts = {
        "subject": "Pool exhausted",
        "summary": "Orders failed.",
        "what_happened": "x",
        "why": "x",
        "impact": "x",
        "what_to_do": "Restart app",
    }
    return Report(**(texts | changes))
