"""What is known around an incident, put in order before anyone judges."""

from collections.abc import Sequence

from domain.detection.anomaly import Anomaly, Change
from domain.incidents.dependencies import DependencyGraph
from domain.investigations.diagnosis import (
    Context,
    ServiceDependency,
    SimilarIncident,
    TimelineEntry,
)
from domain.investigations.quoting import cite

_MAX_TIMELINE = 40


def gather(
    anomalies: Sequence[Anomaly],
    graph: DependencyGraph,
    changes: Sequence[Change],
    similar: Sequence[SimilarIncident],
) -> Context:
    """Services, who needs whom, what happened when, what was changed, what looked like it."""
    ordered = sorted(anomalies, key=lambda a: (a.first_time, a.key))
    services = list(dict.fromkeys(a.service for a in ordered))
    near = set(services).union(*(graph.callees(s) for s in services))
    timeline = [
        TimelineEntry(
            time=a.first_time,
            service=a.service,
            what=a.reason,
            citation=cite(a.evidence[0].record),
        )
        for a in ordered
    ]
    changed = [
        TimelineEntry(
            time=c.record.time, service=c.record.service, what=c.what, citation=cite(c.record)
        )
        for c in changes
        if c.record.service in near
    ]
    return Context(
        services=services,
        dependencies=[
            ServiceDependency(caller=caller, callee=callee, reason=reason)
            for (caller, callee), reason in graph.edges.items()
            if caller in near or callee in near
        ],
        timeline=sorted([*timeline, *changed], key=lambda e: e.time)[:_MAX_TIMELINE],
        changes=changed,
        similar=list(similar),
        technologies={s: t for s, t in graph.technologies.items() if s in near and t},
    )
