"""RecordsAppended in, incidents out: the first process manager.

Its progress is committed in the same transaction as the incidents it opens, so a chunk is never
looked at twice, whatever crashes when.
"""

from collections import deque
from collections.abc import Collection, Iterable, Sequence
from uuid import UUID

from application.chunk_reading import ChunkReader
from application.event_log import EventLog, Recorded, read_all
from domain.detection.anomaly import Anomaly, Change
from domain.detection.detector import Detector
from domain.detection.thresholds import Thresholds
from domain.incidents.correlation import (
    Cluster,
    Correlator,
    cluster,
    learn_shared_requests,
)
from domain.incidents.dependencies import DependencyGraph
from domain.incidents.incident import (
    Incident,
    IncidentOpened,
    IncidentReopened,
    IncidentResolved,
    State,
    anomalies_in,
)
from domain.knowledge.knowledge_base import KnowledgeBase
from domain.logs.source import RecordsAppended
from domain.patterns.pattern import PatternDiscovered, PatternGeneralized
from domain.provenance import Cause, Fact

PROCESS = "detecting"
TOPICS: list[type[Fact]] = [
    RecordsAppended,
    PatternDiscovered,
    PatternGeneralized,
    IncidentResolved,
    IncidentReopened,
]
_WARM_UP_CHUNKS = 50
"""Chunks looked at again after a restart, to know the windows as they were."""
_MAX_LOOSE = 500
"""Weak anomalies kept in case an incident claims them later."""


class Detecting:
    """Looks at chunks in global order and opens or extends incidents."""

    def __init__(
        self,
        log: EventLog,
        reader: ChunkReader,
        knowledge: KnowledgeBase,
        thresholds: Thresholds | None = None,
    ) -> None:
        self._log = log
        self._reader = reader
        self._begin(knowledge, thresholds)

    def _begin(self, knowledge: KnowledgeBase, thresholds: Thresholds | None) -> None:
        """Stand where the log stops, knowing only what is recorded."""
        self._unsure = True
        self.detector = Detector(knowledge, thresholds)
        self._templates: dict[str, str] = {}
        self._loose: deque[tuple[Anomaly, Cause]] = deque(maxlen=_MAX_LOOSE)
        self._open: dict[UUID, dict[str, Anomaly]] = {}
        self._fingerprints: dict[str, UUID] = {}
        self.position = self._log.progress(PROCESS)
        self._restore()
        self._unsure = False

    def run_once(self, limit: int = 64) -> int:
        """Look at up to `limit` new events; returns how many there were.

        What was seen but could not be recorded is forgotten and looked at again: counted twice,
        or believed to be told, it would be lost.
        """
        if self._unsure:
            self._begin(self.detector.knowledge, self.detector.thresholds)
        batch = self._log.read(self.position, limit, TOPICS)
        if not batch:
            head = self._log.head()
            if head > self.position:
                self._log.save_progress(PROCESS, head)
                self.position = head
            return 0
        self._unsure = True
        self._handle(batch)
        self._unsure = False
        return len(batch)

    def _handle(self, batch: Sequence[Recorded]) -> None:
        found: list[tuple[Anomaly, Cause]] = []
        for recorded in batch:
            event = recorded.event
            if isinstance(event, PatternDiscovered | PatternGeneralized):
                self._templates[str(event.originator_id)] = event.template
            elif isinstance(event, RecordsAppended):
                cause = event.leads_to("detector")
                found += [(anomaly, cause) for anomaly in self._examine(event)]
            elif isinstance(event, IncidentResolved):
                self._close(event.originator_id)
            elif isinstance(event, IncidentReopened):
                self._take_up(event.originator_id)
        position = batch[-1].position
        changed = self._correlate(found)
        if changed:
            self._log.append(*changed, process=PROCESS, position=position)
        else:
            self._log.save_progress(PROCESS, position)
        self.position = position

    def _examine(self, event: RecordsAppended) -> list[Anomaly]:
        records = self._reader.records(event)
        return self.detector.examine(records, event.chunk_hash.hex(), self._templates)

    def _correlate(self, found: Sequence[tuple[Anomaly, Cause]]) -> list[Incident]:
        """Extend open incidents with what belongs to them; open new ones for the rest."""
        if not found:
            return []
        limits = self.detector.thresholds
        waiting = [*self._loose, *found]
        correlator = Correlator(self.detector.graph, self.detector.knowledge, limits.together)
        self._learn_edges([anomaly for anomaly, _ in waiting], correlator)
        causes = {id(anomaly): cause for anomaly, cause in waiting}
        changed: dict[UUID, Incident] = {}
        self._loose.clear()
        for group in cluster([anomaly for anomaly, _ in waiting], correlator):
            home = self._home_of(group, correlator)
            if home is not None:
                incident_id, reason = home
                incident = changed.get(incident_id) or self._log.load(incident_id)
                assert isinstance(incident, Incident)
                incident.add_evidence(
                    list(group.anomalies), reason=reason, cause=causes[id(group.leading)]
                )
                self._remember(incident_id, group.anomalies)
                changed[incident_id] = incident
            elif group.leading.score >= limits.opening_score:
                incident = self._opened(group, causes[id(group.leading)])
                if incident is not None:
                    changed[incident.id] = incident
                    self._fingerprints[incident.fingerprint] = incident.id
                    self._remember(incident.id, group.anomalies)
            else:
                self._loose.extend((a, causes[id(a)]) for a in group.anomalies)
        return [incident for incident in changed.values() if incident.pending_events]

    def _learn_edges(self, anomalies: Sequence[Anomaly], correlator: Correlator) -> None:
        """Read the evidence again: the service a record speaks of may be known only by now."""
        members = [
            member
            for known in self._open.values()
            if self._may_belong(anomalies, known.values(), correlator)
            for member in known.values()
        ]
        everything = [*anomalies, *members]
        learn_shared_requests(everything, correlator)
        for anomaly in everything:
            for evidence in anomaly.evidence:
                record = evidence.record
                self.detector.graph.observe(record.service, record.text, self.detector.knowledge)

    def _home_of(self, group: Cluster, correlator: Correlator) -> tuple[UUID, str] | None:
        """The open incident a group belongs to, and why."""
        again = self._fingerprints.get(group.fingerprint)
        if again is not None:
            return again, "the same failure again"
        near = [
            (incident_id, list(members.values()))
            for incident_id, members in self._open.items()
            if self._may_belong(group.anomalies, members.values(), correlator)
        ]
        for incident_id, members in near:
            for member in members:
                for anomaly in group.anomalies:
                    why = correlator.why(anomaly, member)
                    if why:
                        return incident_id, why
        coinciding = [
            (incident_id, why)
            for incident_id, members in near
            if (why := correlator.coincidence(group.anomalies, members))
        ]
        return coinciding[0] if len(coinciding) == 1 else None

    @staticmethod
    def _may_belong(
        anomalies: Sequence[Anomaly], members: Collection[Anomaly], correlator: Correlator
    ) -> bool:
        """Whether an incident is near enough in time to be looked at; most old ones are not."""
        began = min(a.first_time for a in anomalies) - correlator.gap
        ended = max(a.last_time for a in anomalies) + correlator.gap
        return any(m.first_time <= ended and began <= m.last_time for m in members)

    def _opened(self, group: Cluster, cause: Cause) -> Incident | None:
        incident = Incident.open(
            group.title(self.detector.knowledge),
            group.fingerprint,
            sorted(group.anomalies, key=lambda a: (a.first_time, a.key)),
            reason="; ".join([group.leading.reason, *group.reasons]),
            cause=cause,
        )
        return None if self._log.last_of(incident.id) is not None else incident

    def _restore(self) -> None:
        """Know what was known: templates, open incidents, and the windows of the last chunks."""
        until = self.position
        if until == 0:
            return
        for recorded in read_all(
            self._log, topics=[PatternDiscovered, PatternGeneralized], until=until
        ):
            event = recorded.event
            if isinstance(event, PatternDiscovered | PatternGeneralized):
                self._templates[str(event.originator_id)] = event.template
        self._restore_incidents()
        for chunk in self._last_chunks(until):
            self._examine(chunk)
        self.detector.know(self._templates)

    def _last_chunks(self, until: int) -> list[RecordsAppended]:
        """The last chunks before a position, read from behind: a store may hold very many."""
        reach = _WARM_UP_CHUNKS * 4
        while True:
            after = max(0, until - reach)
            found = [
                recorded.event
                for recorded in read_all(self._log, after, [RecordsAppended], until, batch=64)
                if isinstance(recorded.event, RecordsAppended)
            ]
            if len(found) >= _WARM_UP_CHUNKS or after == 0:
                return found[-_WARM_UP_CHUNKS:]
            reach *= 4

    def _restore_incidents(self) -> None:
        """All of them: those of the last batch stand behind the position they were found at."""
        opened = [r.event.originator_id for r in read_all(self._log, topics=[IncidentOpened])]
        for incident_id in opened:
            self._take_up(incident_id)

    def _take_up(self, incident_id: UUID) -> None:
        """Let an incident that is not resolved take in what belongs to it."""
        incident = self._log.load(incident_id)
        if incident is not None and incident.state is not State.RESOLVED:
            self._fingerprints[incident.fingerprint] = incident_id
            self._remember(incident_id, anomalies_in(self._log.stream(incident_id)))

    def _close(self, incident_id: UUID) -> None:
        """A resolved incident takes in nothing more."""
        self._open.pop(incident_id, None)
        self._fingerprints = {f: i for f, i in self._fingerprints.items() if i != incident_id}

    def _remember(self, incident_id: UUID, anomalies: Iterable[Anomaly]) -> None:
        """Keep one anomaly a symptom, stretched over all its occurrences: enough to correlate."""
        members = self._open.setdefault(incident_id, {})
        for anomaly in anomalies:
            known = members.get(anomaly.key)
            if known is not None:
                anomaly = anomaly.model_copy(  # noqa: PLW2901 - the stretched one takes its place
                    update={
                        "first_time": min(known.first_time, anomaly.first_time),
                        "last_time": max(known.last_time, anomaly.last_time),
                    }
                )
            members[anomaly.key] = anomaly

    def dependencies(self) -> DependencyGraph:
        """A copy of the dependency graph as it is known now."""
        return self.detector.graph.copy()

    def changes(self, start: int, end: int) -> list[Change]:
        """Deployments, restarts and reloads between two times (ns since 1970, UTC)."""
        return [c for c in list(self.detector.changes) if start <= c.record.time <= end]
