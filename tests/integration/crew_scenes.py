"""A crew engine, an incident for it, and a notebook of what it did."""

from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from application.ports import CaseFile, StepAbandoned
from domain.detection.anomaly import Anomaly, AnomalyKind, Change, Evidence, Line
from domain.incidents.dependencies import DependencyGraph
from domain.investigations.diagnosis import (
    Context,
    Diagnosis,
    SimilarIncident,
)
from domain.investigations.investigation import Step
from domain.knowledge.vocabulary import Criticality, ErrorClass
from infrastructure.agents.crew.engine import CrewEngine
from infrastructure.agents.crew.settings import ModelSettings
from tests.integration.model_server import (
    Reply,
    serving,
)

GENEROUS = 20.0


"""Seconds: a limit of 2 s may take longer on a busy machine, but not an order of magnitude."""


def a_line(sequence: int, text: str, *, source: str = "shop.log", severity: int = 17) -> Line:
    return Line(
        source=source,
        sequence=sequence,
        line=sequence * 10,
        line_count=text.count("\n") + 1,
        time=1_700_000_000_000_000_000 + sequence,
        severity_number=severity,
        service=source.removesuffix(".log"),
        text=text,
        original=text,
    )


def a_case(*lines: Line) -> CaseFile:
    return CaseFile(
        incident_id=UUID(int=1),
        title="shop: connection refused",
        opened_because="14 errors in 1 min, none before",
        anomalies=[
            Anomaly(
                kind=AnomalyKind.ERROR_PATTERN,
                service=line.service,
                source=line.source,
                pattern_id="p",
                template="connect to <*> failed",
                reason="14 errors in 1 min",
                score=0.9,
                criticality=Criticality.HIGH,
                first_time=line.time,
                last_time=line.time,
                count=14,
                evidence=[Evidence(record=line, chunk_hash="00")],
            )
            for line in lines
        ],
    )


REFUSED = a_line(1, "connect to db:5432 failed: Connection refused\n  at Pool.acquire (pool.js:12)")


SHUT_DOWN = a_line(2, "received fast shutdown request", source="db.log", severity=9)


class Notebook:
    """A journal and look-ups that remember what they were told."""

    def __init__(self) -> None:
        self.calls: list[dict[str, Any]] = []
        self.circuit: list[str] = []
        self.searched: list[str] = []

    def model_called(self, **facts: Any) -> None:
        self.calls.append(facts)

    def circuit_opened(self, endpoint: str, failures: int, retry_after_seconds: float) -> None:
        self.circuit.append(f"opened after {failures}")

    def circuit_closed(self, endpoint: str) -> None:
        self.circuit.append("closed")

    def search_records(
        self, text: str, *, service: str | None = None, limit: int = 20
    ) -> list[Line]:
        self.searched.append(text)
        return [SHUT_DOWN]

    def records_around(self, source: str, sequence: int, *, count: int = 5) -> list[Line]:
        return [REFUSED]

    def similar_incidents(self, text: str, *, limit: int = 5) -> list[SimilarIncident]:
        return [
            SimilarIncident(
                incident_id="i-1",
                title="db stopped last May",
                root_cause="db was stopped",
                error_class=ErrorClass.DEPENDENCY_DOWN,
                similarity=0.8,
                confirmed=True,
            )
        ]

    def dependencies(self) -> DependencyGraph:
        return DependencyGraph()

    def changes(self, start: int, end: int) -> list[Change]:
        return []


GOOD_DIAGNOSIS: dict[str, Any] = {
    "title": "db is down",
    "criticality": "high",
    "criticality_reason": "no order can be placed",
    "cause_visible": True,
    "explanation": "db was shut down, shop cannot connect",
    "hypotheses": [
        {
            "root_cause": "the shop is misconfigured",
            "error_class": "misconfiguration",
            "service": "shop",
            "confidence": 0.2,
            "citations": [],
        },
        {
            "root_cause": "db on port 5432 does not accept connections",
            "error_class": "connection_refused",
            "service": "db",
            "confidence": "80%",
            "citations": [{"ref": "shop.log#1", "quote": "Pool.acquire (pool.js:12)"}],
        },
    ],
}


@pytest.fixture
def notebook(_crewai_imported: None) -> Notebook:
    return Notebook()


@pytest.fixture(scope="session")
def _crewai_imported(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The import takes 10 s; once for all tests."""
    an_engine("http://127.0.0.1:9/v1", tmp_path_factory.mktemp("crew")).prepare()


def an_engine(url: str, storage: Path, *, limit: float = 60.0, **settings: Any) -> CrewEngine:
    return CrewEngine(
        ModelSettings(
            model="openai/scripted",
            base_url=url,
            storage=storage,
            limits=dict.fromkeys(Step, limit),
            first_wait=0.01,
            **settings,
        )
    )


def diagnose(
    notebook: Notebook, storage: Path, *replies: Reply, case: CaseFile | None = None, **options: Any
) -> Diagnosis:
    with serving(*replies) as server:
        engine = an_engine(server.url, storage, **options)
        case = case or a_case(REFUSED)
        return engine.diagnose(case, Context(services=["shop"]), notebook, notebook)


def abandoned(notebook: Notebook, storage: Path, *replies: Reply, **options: Any) -> str:
    with pytest.raises(StepAbandoned) as abandoned:
        diagnose(notebook, storage, *replies, **options)
    assert abandoned.value.step is Step.DIAGNOSIS
    return abandoned.value.reason


def a_diagnosis() -> Diagnosis:
    proof = {"source": "shop.log", "sequence": 1, "line": 10, "quote": "Connection refused"}
    hypothesis = {
        "root_cause": "db refuses connections",
        "error_class": "connection_refused",
        "service": "db",
        "confidence": 0.6,
        "citations": [proof],
    }
    return Diagnosis.model_validate(
        {
            **hypothesis,
            "title": "db refuses",
            "criticality": "high",
            "hypotheses": [hypothesis],
        }
    )
