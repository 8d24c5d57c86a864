"""Finds anomalies in records as they arrive: error patterns, new patterns, rates.

Pure and deterministic: the same chunks in the same order give the same anomalies.
"""

import re
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from domain.detection.anomaly import Anomaly, AnomalyKind, Change, Evidence
from domain.detection.evidence import AROUND, as_line, evidence_of
from domain.detection.rates import ServerErrorRate, is_access_record
from domain.detection.thresholds import Thresholds
from domain.incidents.dependencies import DependencyGraph, announced_ports
from domain.knowledge.judging import Judgement, judge
from domain.knowledge.knowledge_base import KnowledgeBase
from domain.knowledge.rule import Rule
from domain.knowledge.vocabulary import Criticality
from domain.logs.record import ERROR, FATAL, WARN, StoredRecord
from domain.logs.service_names import TECHNOLOGY

_PROBES = 3
"""Records of a quiet pattern that are judged before the pattern is left alone."""
_VOTES = 20
"""Records of a service that are asked for its technology before it is given up."""
_SURE_UNSPECIFIED = 3
_SURE_AT_INFO = 5
"""Specificity from which a rule is believed although the record calls itself informational."""
_READ = 4_096
"""Characters of a record in which such words are looked for."""
_FAILURE_WORD = re.compile(
    r"(?i)\b(?:fail(?:s|ed|ure|ures|ing)?|errors?|cannot|can't|could not|couldn't|unable|refus\w+|"
    r"denied|reject\w*|kill(?:ed|ing)|abort\w*|crash\w*|panic\w*|fatal|exceeded|expired|exhausted|"
    r"timed out|timeout|corrupt\w*|invalid|unreachable|unexpected\w*|exited|terminated|exception|"
    r"dropp(?:ed|ing)|lost|stopped|down|deadlock|still waiting|unknown|missing|no such|not \w+|"
    r"too many|alert|uncaught|dumped|violat\w+)\b"
)
_RETRYING = re.compile(r"(?i)\bre-?try(?:ing)?\b|\battempt \d{1,4} ?(?:/|of) ?\d{1,4}\b")
_MAX_EVIDENCE = 3
_MAX_CHANGES = 2_000


@dataclass(slots=True)
class _Symptom:
    """What is known of one symptom of one service so far."""

    first: Evidence
    first_time: int
    last_time: int
    count: int = 0
    reported: int = 0


@dataclass(slots=True)
class _Sighting:
    """One symptom inside the chunk at hand."""

    judgement: Judgement
    indexes: list[int] = field(default_factory=list)


class Detector:
    """Looks at every chunk once; keeps counts, never records."""

    def __init__(self, knowledge: KnowledgeBase, thresholds: Thresholds | None = None) -> None:
        self.knowledge = knowledge
        self.thresholds = thresholds or Thresholds()
        self.graph = DependencyGraph()
        self.changes: deque[Change] = deque(maxlen=_MAX_CHANGES)
        self._tails: dict[str, deque[StoredRecord]] = {}
        self._seen: dict[str, int] = {}
        self._votes: dict[str, list[str]] = {}
        self._quiet: set[str] = set()
        self._symptoms: dict[tuple[str, str, str], _Symptom] = {}
        self._rates: dict[str, ServerErrorRate] = {}
        self._records_of: dict[str, int] = {}

    def know(self, pattern_ids: Iterable[str]) -> None:
        """These patterns were seen before: none of them is news."""
        for pattern_id in pattern_ids:
            self._seen.setdefault(pattern_id, 1)

    def examine(
        self, records: Sequence[StoredRecord], chunk_hash: str, templates: Mapping[str, str]
    ) -> list[Anomaly]:
        """The anomalies this chunk of one source brings; `templates` maps pattern id to text."""
        if not records:
            return []
        source = records[0].ref.source
        tail = self._tails.setdefault(source, deque(maxlen=AROUND))
        window = [*tail, *records]
        sightings = self._sight(window, len(tail))
        anomalies = [
            anomaly
            for key, sighting in sightings.items()
            for run in self._runs(sighting, window)
            if (anomaly := self._report(key, run, window, chunk_hash, templates))
        ]
        anomalies += self._rate(window, len(tail), chunk_hash, templates)
        tail.extend(records[-AROUND:])
        return anomalies

    def _sight(
        self, window: Sequence[StoredRecord], start: int
    ) -> dict[tuple[str, str, str], _Sighting]:
        """The symptoms in a chunk, each with the places where it occurs."""
        found: dict[tuple[str, str, str], _Sighting] = {}
        for index in range(start, len(window)):
            stored = window[index]
            severity = stored.record.severity_number
            self._records_of[stored.ref.source] = self._records_of.get(stored.ref.source, 0) + 1
            if severity < WARN and stored.pattern_id in self._quiet:
                continue
            service = stored.record.service or stored.ref.source
            if is_access_record(stored.record):
                self._recognise(service, stored)
                continue  # its rate of server errors is looked at instead
            judgement = self._look(stored, service)
            symptom = self._symptom_of(stored, judgement)
            if symptom is not None:
                key = (stored.ref.source, service, symptom)
                found.setdefault(key, _Sighting(judgement)).indexes.append(index)
                self.graph.observe(service, stored.record.text, self.knowledge)
        return found

    def _look(self, stored: StoredRecord, service: str) -> Judgement:
        """Judge a record, and leave its pattern alone from now on where it says nothing."""
        text = stored.record.text
        ports = announced_ports(text)
        for port in ports:
            self.graph.announce(service, port)
        self._recognise(service, stored)
        judgement = judge(text, self.knowledge, self.graph.technologies[service])
        if judgement.changes and not judgement.causes:
            rule = judgement.changes[0][0]
            self.changes.append(Change(record=as_line(stored), rule_id=rule.id, what=rule.title))
        times = self._seen[stored.pattern_id] = self._seen.get(stored.pattern_id, 0) + 1
        found = judgement.causes or judgement.symptoms or judgement.changes or ports
        if times >= _PROBES and not found:
            self._quiet.add(stored.pattern_id)
        return judgement

    def _recognise(self, service: str, stored: StoredRecord) -> None:
        """Learn what technology a service is: by its name, its format, or what it mostly writes.

        One line proves nothing: an application quotes the words of the database it calls.
        """
        technologies = self.graph.technologies
        if service not in technologies:
            known = self.knowledge.matcher.technology_of(service, [])
            self.graph.recognise(service, known or "")
        votes = self._votes.setdefault(service, [])
        if technologies[service] or len(votes) >= _VOTES:
            return
        format_says = str(stored.record.attributes.get(TECHNOLOGY, ""))
        matcher = self.knowledge.matcher
        vote = matcher.technology_of(format_says, [stored.record.text])
        votes.append(vote or "")
        if vote and len(votes) >= _PROBES and votes.count(vote) * 2 > len(votes):
            self.graph.recognise(service, vote)

    def _symptom_of(self, stored: StoredRecord, judgement: Judgement) -> str | None:
        """The name of what a record shows, or None where it shows nothing wrong."""
        severity = stored.record.severity_number
        if judgement.is_noise:
            return None
        if judgement.causes:
            strongest = judgement.causes[0][0]
            if severity >= WARN or _believed_calm(stored, strongest.specificity):
                return f"rule:{strongest.id}"
        if judgement.symptoms and severity >= WARN:
            if severity < ERROR and _RETRYING.search(stored.record.body[:_READ]):
                return None  # it is being tried again; should that fail, an error will say so
            return f"rule:{judgement.symptoms[0][0].id}"
        if severity >= ERROR and not judgement.changes:
            return f"pattern:{stored.pattern_id}"
        if severity >= WARN and self._is_news(stored):
            return f"new:{stored.pattern_id}"
        return None

    def _is_news(self, stored: StoredRecord) -> bool:
        enough = self._records_of[stored.ref.source] > self.thresholds.baseline_records
        return enough and self._seen.get(stored.pattern_id, 0) <= 1

    def _runs(self, sighting: _Sighting, window: Sequence[StoredRecord]) -> list[_Sighting]:
        """A symptom's occurrences in a chunk, cut where they lie further apart than the window."""
        gap = self.thresholds.window * 1e9
        runs: list[_Sighting] = []
        last = 0
        for index in sighting.indexes:
            time = window[index].record.time
            if runs and time - last <= gap:
                runs[-1].indexes.append(index)
                last = max(last, time)
            else:
                runs.append(_Sighting(sighting.judgement, [index]))
                last = time
        return runs

    def _report(
        self,
        key: tuple[str, str, str],
        sighting: _Sighting,
        window: Sequence[StoredRecord],
        chunk_hash: str,
        templates: Mapping[str, str],
    ) -> Anomaly | None:
        """The anomaly a symptom has become, when it is new or has grown enough to be told."""
        source, service, symptom = key
        first = window[sighting.indexes[0]]
        last = window[sighting.indexes[-1]]
        known = self._symptoms.get(key)
        gap = self.thresholds.window * 1e9
        if known is None or abs(first.record.time - known.last_time) > gap:
            evidence = evidence_of(window, sighting.indexes[0], chunk_hash)
            known = _Symptom(evidence, first.record.time, last.record.time)
            self._symptoms[key] = known
        known.count += len(sighting.indexes)
        known.last_time = max(known.last_time, last.record.time)
        needed, reason, score, criticality = self._weigh(symptom, sighting, window, known.count)
        if known.count < max(needed, known.reported * 2):
            return None
        fresh = known.count - known.reported
        cited = self._cite(known, sighting, window, chunk_hash)
        known.reported = known.count
        return Anomaly(
            kind=AnomalyKind.NEW_PATTERN
            if symptom.startswith("new:")
            else AnomalyKind.ERROR_PATTERN,
            service=service,
            source=source,
            pattern_id=first.pattern_id,
            template=templates.get(first.pattern_id, first.record.body[:200]),
            rule_ids=[rule.id for rule, _ in sighting.judgement.accusations],
            reason=reason,
            score=score,
            criticality=criticality,
            first_time=known.first_time,
            last_time=known.last_time,
            count=fresh,
            evidence=cited,
        )

    def _cite(
        self,
        known: _Symptom,
        sighting: _Sighting,
        window: Sequence[StoredRecord],
        chunk_hash: str,
    ) -> list[Evidence]:
        """The first time it was ever seen (once), then the newest ones of this chunk."""
        cited = [] if known.reported else [known.first]
        shown = {e.record.ref for e in cited}
        for index in dict.fromkeys((sighting.indexes[0], sighting.indexes[-1])):
            if len(cited) < _MAX_EVIDENCE and str(window[index].ref) not in shown:
                cited.append(evidence_of(window, index, chunk_hash))
        return cited

    def _weigh(
        self, symptom: str, sighting: _Sighting, window: Sequence[StoredRecord], count: int
    ) -> tuple[int, str, float, Criticality]:
        """How many it takes, why it is no normal thing, score, criticality."""
        limits = self.thresholds
        if symptom.startswith("rule:"):
            rule = self.knowledge.rules[symptom.removeprefix("rule:")]
            is_cause = bool(sighting.judgement.causes)
            needed = rule.at_least if is_cause else max(limits.symptoms, rule.at_least)
            return needed, _times(count, rule.title), _score(rule, is_cause), rule.criticality
        worst = max(
            (window[index].record for index in sighting.indexes), key=lambda r: r.severity_number
        )
        fatal = worst.severity_number >= FATAL
        if symptom.startswith("new:"):
            return 1, "a warning never seen before", 0.3, Criticality.LOW
        needed = 1 if fatal else limits.unexplained_errors
        reason = _times(count, f"{worst.severity_text or 'error'} that no rule explains")
        return needed, reason, 0.65, Criticality.HIGH if fatal else Criticality.MEDIUM

    def _rate(
        self,
        window: Sequence[StoredRecord],
        start: int,
        chunk_hash: str,
        templates: Mapping[str, str],
    ) -> list[Anomaly]:
        """Server errors among the answers of an access log, against the threshold."""
        source = window[start].ref.source
        rate = self._rates.setdefault(source, ServerErrorRate(self.thresholds))
        index = rate.count(window, start)
        if index is None:
            return []
        first = window[index]
        service = first.record.service or source
        return [
            Anomaly(
                kind=AnomalyKind.RATE,
                service=service,
                source=source,
                pattern_id=first.pattern_id,
                template=templates.get(first.pattern_id, first.record.body[:200]),
                reason=rate.reason,
                score=0.65,
                criticality=Criticality.HIGH,
                first_time=first.record.time,
                last_time=rate.last_time,
                count=rate.fresh(),
                statuses=dict(rate.statuses),
                evidence=[evidence_of(window, index, chunk_hash)],
            )
        ]


def _believed_calm(stored: StoredRecord, specificity: int) -> bool:
    """Whether a cause is believed although the record calls itself informational, or nothing.

    Servers do tell of failures at that level (nginx's handshakes, PostgreSQL's LOG), in words of
    failure; an announcement that a guard against a failure is enabled has none.
    """
    unspecified = stored.record.severity_number == 0
    needed = _SURE_UNSPECIFIED if unspecified else _SURE_AT_INFO
    return specificity >= needed and bool(_FAILURE_WORD.search(stored.record.text[:_READ]))


def _times(count: int, what: str) -> str:
    return what if count == 1 else f"{count} times: {what}"


def _score(rule: Rule, is_cause: bool) -> float:
    return round((0.65 if is_cause else 0.6) + 0.03 * rule.specificity * is_cause, 3)
