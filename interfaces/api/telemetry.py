"""GET /metrics: the numbers of this process and of the read models, as Prometheus text.

Format: https://prometheus.io/docs/instrumenting/exposition_formats/ (version 0.0.4). Written by
hand: a dozen families do not need a client library and its global registry.
"""

import threading
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

from interfaces.api.backend import ProjectionState, Readiness
from projections.dashboard.answers import Overview

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds of the request duration histogram, seconds."""

Labels = Mapping[str, str]


class RequestMetrics:
    """Counts requests by route template (never by path: that would be a label a stranger picks)."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: Counter[tuple[str, str, int]] = Counter()
        self._buckets: dict[str, list[int]] = defaultdict(lambda: [0] * (len(BUCKETS) + 1))
        self._seconds: defaultdict[str, float] = defaultdict(float)
        self.lines_accepted = 0
        self.lines_refused = 0

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        """One request was answered."""
        method = method if method in {"GET", "HEAD", "POST", "OPTIONS"} else "other"
        place = sum(seconds > bound for bound in BUCKETS)
        with self._lock:
            self._requests[method, route, status] += 1
            self._buckets[route][place] += 1
            self._seconds[route] += seconds

    def ingested(self, accepted: int, refused: int = 0) -> None:
        """Lines came in, or were refused because the queue was full."""
        with self._lock:
            self.lines_accepted += accepted
            self.lines_refused += refused

    def families(self) -> list[str]:
        """The lines of this process's own families."""
        with self._lock:
            requests = sorted(self._requests.items())
            buckets = {route: list(counts) for route, counts in sorted(self._buckets.items())}
            seconds = dict(self._seconds)
        lines = family(
            "aiops_http_requests_total",
            "counter",
            "Requests answered.",
            (
                ({"method": method, "route": route, "status": str(status)}, count)
                for (method, route, status), count in requests
            ),
        )
        lines += _histogram(buckets, seconds)
        lines += family(
            "aiops_api_lines_total",
            "counter",
            "Log lines that came in by POST, by what became of them.",
            [
                ({"result": "accepted"}, self.lines_accepted),
                ({"result": "refused"}, self.lines_refused),
            ],
        )
        return lines


def _histogram(buckets: Mapping[str, list[int]], seconds: Mapping[str, float]) -> list[str]:
    name = "aiops_http_request_seconds"
    lines = [f"# HELP {name} Seconds a request took.", f"# TYPE {name} histogram"]
    for route, counts in buckets.items():
        total = 0
        for bound, count in zip((*map(str, BUCKETS), "+Inf"), counts, strict=True):
            total += count
            lines.append(sample(f"{name}_bucket", {"route": route, "le": bound}, total))
        lines.append(sample(f"{name}_sum", {"route": route}, seconds[route]))
        lines.append(sample(f"{name}_count", {"route": route}, total))
    return lines


def system_families(
    overview: Overview, projections: Iterable[ProjectionState], readiness: Readiness
) -> list[str]:
    """The lines that describe the whole system."""
    states = list(projections)
    return [
        *family("aiops_ready", "gauge", "1 when every part works.", [({}, int(readiness.ok))]),
        *family(
            "aiops_records_total",
            "counter",
            "Records, by source.",
            (({"source": source.name}, source.records) for source in overview.sources),
        ),
        *family(
            "aiops_error_records_total",
            "counter",
            "Records of severity error and above, by source.",
            (({"source": source.name}, source.errors) for source in overview.sources),
        ),
        *family(
            "aiops_source_failed",
            "gauge",
            "1 when a source cannot be read.",
            (({"source": s.name}, int(s.status == "failed")) for s in overview.sources),
        ),
        *family(
            "aiops_incidents",
            "gauge",
            "Incidents, by state.",
            (({"state": state}, n) for state, n in sorted(overview.incidents_by_state.items())),
        ),
        *family(
            "aiops_projection_position",
            "gauge",
            "Global position a read model has reached.",
            (({"projection": state.name}, state.position) for state in states),
        ),
        *family(
            "aiops_projection_lag",
            "gauge",
            "Events a read model has not seen yet.",
            (({"projection": state.name}, state.lag) for state in states),
        ),
        *family(
            "aiops_investigations_total",
            "counter",
            "Investigations asked for and concluded.",
            [
                ({"status": "requested"}, overview.agents.investigations),
                ({"status": "concluded"}, overview.agents.concluded),
            ],
        ),
    ]


def family(name: str, kind: str, text: str, samples: Iterable[tuple[Labels, float]]) -> list[str]:
    """HELP, TYPE and the samples of one metric family."""
    lines = [f"# HELP {name} {text}", f"# TYPE {name} {kind}"]
    return lines + [sample(name, labels, value) for labels, value in samples]


def sample(name: str, labels: Labels, value: float) -> str:
    """One line. Label values are escaped: a source's name is a stranger's text."""
    inside = ",".join(f'{key}="{_escaped(text)}"' for key, text in labels.items())
    number = str(value) if isinstance(value, int) else f"{value:g}"
    return f"{name}{{{inside}}} {number}" if inside else f"{name} {number}"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
