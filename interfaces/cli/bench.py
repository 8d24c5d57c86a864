"""`aiops bench ingest`: how fast this machine takes logs in, the whole path, durably."""

import random
import time
from collections.abc import Iterator

from pydantic import BaseModel

from application.collecting import collect_lines
from application.intake import Origin
from domain.logs.parser import SourceParser
from infrastructure.composition import ThrowAwayStore, WriteSide, pipeline_of
from infrastructure.settings import load_settings
from interfaces.cli.terminal import console, print_json

_PACED_LINES = 10_000
"""Lines a second at which latency is measured (DESIGN section 8)."""
_PACED_SECONDS = 3.0
_BATCH_SECONDS = 0.05
_SLICE = 5_000


class Throughput(BaseModel):
    """What `aiops bench ingest --json` prints.

    lines_per_s: framing, parsing, redaction, patterns, append with fsync, detection. p50_ms,
    p99_ms: from receipt to durable, at 10,000 lines/s.
    """

    lines: int
    lines_per_s: float
    record_lines_per_s: float
    """Up to durable, without detection."""
    detect_lines_per_s: float
    p50_ms: float
    p99_ms: float
    durable: bool = True


def ingest(lines: int, *, as_json: bool) -> None:
    """Measure and print."""
    with ThrowAwayStore() as write_side:
        began = time.perf_counter()
        _take_in(write_side, lines)
        recorded = time.perf_counter()
        pipeline = pipeline_of(load_settings(smtp_url="", mail_to=""), write_side)
        pipeline.drain()
        detected = time.perf_counter()
        latencies = sorted(_latencies(write_side))
    result = Throughput(
        lines=lines,
        lines_per_s=round(lines / (detected - began)),
        record_lines_per_s=round(lines / (recorded - began)),
        detect_lines_per_s=round(lines / (detected - recorded)),
        p50_ms=round(latencies[len(latencies) // 2] * 1_000, 1),
        p99_ms=round(latencies[int(len(latencies) * 0.99)] * 1_000, 1),
    )
    if as_json:
        print_json(result)
        return
    out = console()
    out.print(f"{result.lines_per_s:,.0f} lines/s, the whole path, durable")
    out.print(f"  recording alone {result.record_lines_per_s:,.0f} lines/s")
    out.print(f"  detection alone {result.detect_lines_per_s:,.0f} lines/s")
    out.print(
        f"  receipt to durable at {_PACED_LINES:,} lines/s: "
        f"p50 {result.p50_ms} ms, p99 {result.p99_ms} ms"
    )


def _take_in(write_side: WriteSide, lines: int) -> None:
    origin = Origin("bench", "bench", "generated")
    parser = SourceParser("bench", write_side.formats)
    made = _ordinary_lines(random.Random(1))  # noqa: S311 - repeatable, not secret
    first, last = 1, None
    while first <= lines:
        size = min(_SLICE, lines - first + 1)
        text = [next(made) for _ in range(size)]
        for chunk in collect_lines(origin, text, parser, first_line=first):
            last = write_side.intake.submit(origin, chunk)
        first += size
    if last is not None:
        last.result()


def _latencies(write_side: WriteSide) -> Iterator[float]:
    """Seconds from handing lines in to having them on disk, at a steady pace."""
    origin = Origin("paced", "bench", "generated")
    parser = SourceParser("paced", write_side.formats)
    made = _ordinary_lines(random.Random(2))  # noqa: S311 - repeatable, not secret
    size = int(_PACED_LINES * _BATCH_SECONDS)
    first = 1
    due = time.perf_counter()
    for _ in range(int(_PACED_SECONDS / _BATCH_SECONDS)):
        due += _BATCH_SECONDS
        received = time.perf_counter()
        text = [next(made) for _ in range(size)]
        settled = [
            write_side.intake.submit(origin, chunk)
            for chunk in collect_lines(origin, text, parser, first_line=first)
        ]
        for each in settled:
            each.result()
        yield time.perf_counter() - received
        first += size
        time.sleep(max(0.0, due - time.perf_counter()))


def _ordinary_lines(chance: random.Random) -> Iterator[str]:
    """What a small shop writes: an application, an access log, JSON, now and then a warning."""
    moment = 1_780_000_000.0
    while True:
        moment += chance.random() / 50
        clock = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(moment))
        number = chance.randrange(1_000_000)
        yield f"{clock},{number % 1000:03d} INFO [orders] order {number} placed in {number % 90} ms"
        access = time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(moment))
        path = f"/orders/{number % 5000}"
        request = f'"GET {path} HTTP/1.1" 200 {number % 9999} "-" "curl/8"'
        yield f"10.0.{number % 250}.7 - - [{access}] {request}"
        iso = clock.replace(" ", "T")
        yield f'{{"time":"{iso}Z","level":"info","msg":"cart saved","id":{number}}}'
        if number % 40 == 0:
            yield f"{clock},000 WARNING [orders] slow response from pricing: {number % 900} ms"
