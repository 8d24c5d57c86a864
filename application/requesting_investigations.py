"""An incident in, an investigation asked for: which evidence deserves one."""

from typing import Any

from application.event_log import EventLog
from domain.incidents.incident import EvidenceAdded, IncidentOpened
from domain.investigations.investigation import Investigation, investigation_id

PROCESS = "investigating"


class RequestingInvestigations:
    """Process manager: an incident that opened, or grew by something new, is looked into."""

    def __init__(self, log: EventLog, engine: str) -> None:
        self._log = log
        self._engine = engine
        self.position = log.progress(PROCESS)

    def run_once(self, limit: int = 64) -> int:
        """Handle up to `limit` new events; returns how many there were."""
        batch = self._log.read(self.position, limit, [IncidentOpened, EvidenceAdded])
        for recorded in batch:
            changes: list[Any] = []
            if isinstance(recorded.event, IncidentOpened | EvidenceAdded):
                changes = self._request(recorded.event, recorded.position)
            self._log.append(*changes, process=PROCESS, position=recorded.position)
            self.position = recorded.position
        return len(batch)

    def _request(self, event: IncidentOpened | EvidenceAdded, position: int) -> list[Investigation]:
        incident_id = event.originator_id
        ordinal = 1
        while (last := self._log.load(investigation_id(incident_id, ordinal))) is not None:
            if not last.concluded and last.worker is None:
                return []  # one is waiting already and will see this evidence too
            ordinal += 1
        if isinstance(event, EvidenceAdded) and not self._is_new(event):
            return []
        reason = "it opened" if ordinal == 1 else "something new joined it"
        return [
            Investigation.request(
                incident_id,
                ordinal,
                engine=self._engine,
                reason=reason,
                as_of=position,
                cause=event.leads_to("investigating"),
            )
        ]

    def _is_new(self, event: EvidenceAdded) -> bool:
        """Whether the evidence shows a symptom the incident did not show before."""
        before: set[tuple[str, str]] = set()
        for earlier in self._log.stream(event.originator_id):
            if earlier.originator_version >= event.originator_version:
                break
            if isinstance(earlier, IncidentOpened | EvidenceAdded):
                before.update(_symptoms(earlier.anomalies))
        return not before.issuperset(_symptoms(event.anomalies))


def _symptoms(anomalies: list[dict[str, Any]]) -> set[tuple[str, str]]:
    return {(a["service"], (a["rule_ids"] or [a["pattern_id"]])[0]) for a in anomalies}
