"""`aiops ingest`: logs into the store, from where the last run of any kind stopped."""

import signal
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel

from infrastructure.collectors.log_files import LogFiles
from infrastructure.instance import AlreadyRunning
from infrastructure.settings import Settings, load_settings
from interfaces.cli.diagnose import read_stdin
from interfaces.cli.failures import FAILED, InputUnusable
from interfaces.cli.terminal import console, print_json, say
from interfaces.system import System


class IngestSummary(BaseModel):
    """What `aiops ingest --json` prints."""

    records: int
    """Taken in by this run."""
    lines: int
    """Physical lines read by this run."""
    seconds: float
    sources: dict[str, int]
    """Records a source has in the store now."""
    incidents: int
    """Open incidents in the store now."""
    problems: list[str]


def run(
    paths: Sequence[str], *, data: Path | None, follow: bool, source: str, as_json: bool
) -> None:
    """Ingest, detect, investigate, notify, project. Exit code 1 when some input was unusable."""
    settings = load_settings(data=data)
    began = time.perf_counter()
    with _opened(settings) as system:
        before = sum(system.write_side.recording.counts().values())
        system.write_side.start_writer()
        files = system.write_side.log_files([path for path in paths if path != "-"])
        files.search()
        if not files.collections and "-" not in paths:
            raise InputUnusable("; ".join(map(str, files.problems)))
        if follow:
            for problem in files.problems:
                say(f"aiops: {problem}")
            lines = _follow(system, files, source if "-" in paths else None)
        else:
            files.read_to_end()
            lines = sum(collection.lines for collection in files.collections)
            for collection in files.collections:
                collection.wait_until_durable()
            for problem in files.problems:
                say(f"aiops: {problem}")
            if "-" in paths:
                lines += read_stdin(system.write_side, source)
        system.pipeline.drain()
        undelivered = system.pipeline.delivering.pending
        if undelivered:
            say(
                f"aiops: {undelivered} report(s) could not be sent yet; the next run tries again, "
                "'aiops audit ID' says why, 'aiops doctor' shows the mail settings"
            )
        counts = system.write_side.recording.counts()
        summary = IngestSummary(
            records=sum(counts.values()) - before,
            lines=lines,
            seconds=round(time.perf_counter() - began, 3),
            sources=counts,
            incidents=len(system.history.incidents(state="open", limit=500).items),
            problems=[str(problem) for problem in files.problems],
        )
    _tell(summary, as_json=as_json)
    if summary.problems:
        sys.exit(FAILED)


def _opened(settings: Settings) -> System:
    try:
        return System(settings, tell=say)
    except AlreadyRunning as running:
        if not running.url:
            raise
        raise InputUnusable(
            f"AI Ops Copilot runs on {settings.data} already: restart it with --watch PATH, "
            f"or send the lines with POST {running.url}/api/v1/logs"
        ) from running


def _follow(system: System, files: LogFiles, piped: str | None) -> int:
    """Until Ctrl-C or SIGTERM, or the end of what is piped in; detection goes on beside it.

    Returns the lines read. `piped`: the source that standard input is, None where it is none.
    """
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    say("following; Ctrl-C stops")
    system.start_pipeline()
    lines = 0

    def read_pipe(source: str) -> None:
        nonlocal lines
        try:
            lines = read_stdin(system.write_side, source)
        finally:
            if not files.collections:
                stop.set()

    if piped is not None:
        threading.Thread(target=read_pipe, args=(piped,), name="stdin", daemon=True).start()
    files.follow(stop)
    system.stop_pipeline()
    return lines + sum(collection.lines for collection in files.collections)


def _tell(summary: IngestSummary, *, as_json: bool) -> None:
    if as_json:
        print_json(summary)
        return
    out = console()
    out.print(f"{summary.records} records from {summary.lines} lines in {summary.seconds:.1f} s")
    for name, count in sorted(summary.sources.items()):
        out.print(f"  {name}: {count} records in all")
    if summary.incidents:
        out.print(f"{summary.incidents} open incidents: see them with 'aiops incidents'")
    else:
        out.print("no open incidents")
