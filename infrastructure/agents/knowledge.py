"""The default engine: failure rules and causal ranking. No model, no network, deterministic."""

from application.ports import CaseFile, Journal, Lookups
from domain.detection.anomaly import Change
from domain.incidents.dependencies import DependencyGraph
from domain.investigations import context_gathering, diagnosing, remedying, reporting
from domain.investigations.diagnosis import Context, Diagnosis
from domain.investigations.remediation import Remediation
from domain.investigations.report import Report
from domain.knowledge.knowledge_base import KnowledgeBase

_BEFORE_NS = 300_000_000_000
"""Changes up to five minutes before the first symptom are looked at."""


class KnowledgeEngine:
    """Implements application.ports.Engine on the knowledge base."""

    name = "knowledge"

    def __init__(self, knowledge: KnowledgeBase) -> None:
        self._knowledge = knowledge

    def gather(self, case: CaseFile, lookups: Lookups, journal: Journal) -> Context:  # noqa: ARG002 - the port's signature
        """Order what the case and the look-ups show."""
        return context_gathering.gather(
            case.anomalies,
            lookups.dependencies(),
            self._changes(case, lookups),
            lookups.similar_incidents(case.title),
        )

    def diagnose(
        self,
        case: CaseFile,
        context: Context,
        lookups: Lookups,
        journal: Journal,  # noqa: ARG002 - the port's signature
        objection: str = "",  # noqa: ARG002 - a deterministic engine has no second opinion
    ) -> Diagnosis:
        """Rank the causes."""
        graph: DependencyGraph = lookups.dependencies()
        changes = self._changes(case, lookups)
        return diagnosing.diagnose(case.anomalies, context, changes, graph, self._knowledge)

    def fix(
        self,
        case: CaseFile,
        context: Context,  # noqa: ARG002 - the port's signature
        diagnosis: Diagnosis,
        journal: Journal,  # noqa: ARG002
        objection: str = "",  # noqa: ARG002
    ) -> Remediation:
        """Take the rule's remediation, filled in with what the records say."""
        return remedying.remedy(diagnosis, case.anomalies, self._knowledge)

    def report(
        self,
        case: CaseFile,
        context: Context,
        diagnosis: Diagnosis,
        remediation: Remediation,
        journal: Journal,  # noqa: ARG002 - the port's signature
        objection: str = "",  # noqa: ARG002
    ) -> Report:
        """Tell it in plain sentences."""
        return reporting.report(case.anomalies, context, diagnosis, remediation)

    @staticmethod
    def _changes(case: CaseFile, lookups: Lookups) -> list[Change]:
        first = min(a.first_time for a in case.anomalies)
        last = max(a.last_time for a in case.anomalies)
        return lookups.changes(first - _BEFORE_NS, last)
