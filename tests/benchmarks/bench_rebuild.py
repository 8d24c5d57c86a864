"""How fast the read models are rebuilt, in records a second.

    python -m tests.benchmarks.bench_rebuild [--chunks 500] [--records 1000] [--patterns 40]

Writes that many chunks, each with all the patterns, and 20 diagnosed incidents into a new event
store, then rebuilds each read model and compares with how long reading the events alone takes.
"""

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

from application.event_log import read_all
from application.rebuilding import rebuild
from infrastructure.event_store.sqlite_log import SqliteEventLog
from infrastructure.vector_index import vector_place
from projections.dashboard.read_model import open_dashboard
from projections.history.read_model import open_history
from projections.sql_place import SqlPlace
from tests.unit.projections.story import SECOND, START, Story, anomaly


def main() -> None:
    """Print one line a read model."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--chunks", type=int, default=500)
    parser.add_argument("--records", type=int, default=1000)
    parser.add_argument("--patterns", type=int, default=40)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        data = Path(name)
        log = SqliteEventLog(data / "events.db")
        _write(log, options.chunks, options.records, options.patterns)
        began = time.perf_counter()
        events = sum(1 for _ in read_all(log))
        reading = time.perf_counter() - began
        total = options.chunks * options.records
        print(f"{total} records in {events} events; reading them alone {reading:.2f} s")  # noqa: T201
        places: list[Any] = [
            SqlPlace("history", data / "history.db", open_history),
            SqlPlace("dashboard", data / "dashboard.db", open_dashboard),
            vector_place(data),
            vector_place(data),
        ]
        whole = whole_busy = 0.0
        for number, place in enumerate(places):
            began = time.process_time()
            result = rebuild(place, log, verify=False)
            busy = time.process_time() - began
            label = "vectors, cached" if number == len(places) - 1 else place.name
            if label != "vectors":
                whole += result.seconds
                whole_busy += busy
            _print(label, total, result.seconds, busy)
        _print("all three", total, whole, whole_busy)
        log.close()


def _print(label: str, records: int, seconds: float, busy: float) -> None:
    """Both times, because a machine shared with others makes the first one long."""
    print(  # noqa: T201
        f"{label:16} {seconds:6.2f} s {records / seconds:10,.0f} records/s; "
        f"processor {busy:6.2f} s {records / busy:10,.0f} records/s"
    )


def _write(log: SqliteEventLog, chunks: int, records: int, patterns: int) -> None:
    story = Story(log)
    sources = [f"service-{n}.log" for n in range(8)]
    for source in sources:
        story.source(source)
    for n in range(patterns):
        story.pattern(f"request {n} of <*> failed", wider=f"request {n} <*> <*> failed")
    for n in range(chunks):
        lines = [
            (
                17 if i % 20 == 0 else 9,
                f"GET /orders/{n * records + i} 200 {i % 97} ms from 10.0.0.{i % 250}",
            )
            for i in range(records)
        ]
        story.records(
            sources[n % len(sources)],
            lines,
            at=START + n * 30 * SECOND,
            patterns=[f"request {i} of <*> failed" for i in range(patterns)],
        )
        if n % max(1, chunks // 20) == 0:
            incident = story.incident(f"incident {n}", anomaly("web", n + 1))
            story.notify(story.investigate(incident))


if __name__ == "__main__":
    main()
