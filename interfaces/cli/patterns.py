"""`aiops patterns`: the message templates of some logs."""

import sys
from collections.abc import Sequence

from pydantic import BaseModel

from application.event_log import read_all
from domain.logs.record import severity_name
from domain.logs.source import RecordsAppended
from infrastructure.composition import ThrowAwayStore
from interfaces.cli.diagnose import read_in
from interfaces.cli.failures import FAILED
from interfaces.cli.terminal import console, print_json, safe, say


class FoundPattern(BaseModel):
    """A template and how often it occurs."""

    id: str
    template: str
    count: int
    severity: str
    first_line: int
    example: str


class FoundPatterns(BaseModel):
    """What `aiops patterns --json` prints.

    assignments: for each physical line, in the order of the inputs, the index of its pattern;
    -1 for a continuation line.
    """

    records: int
    patterns: list[FoundPattern]
    assignments: list[int]


def run(paths: Sequence[str], *, as_json: bool) -> None:
    """Print the patterns. Exit code 1 when some of the input could not be read."""
    with ThrowAwayStore() as write_side:
        problems = read_in(write_side, paths)
        lines: list[tuple[str, int]] = []
        found: dict[str, FoundPattern] = {}
        miner = write_side.recording.miner
        for recorded in read_all(write_side.log, topics=[RecordsAppended]):
            assert isinstance(recorded.event, RecordsAppended)
            for stored in write_side.reader.records(recorded.event):
                pattern_id = miner.current(stored.pattern_id)
                record = stored.record
                lines.append((pattern_id, record.line_count))
                pattern = found.get(pattern_id)
                if pattern is None:
                    found[pattern_id] = FoundPattern(
                        id=pattern_id,
                        template=miner.templates()[pattern_id],
                        count=1,
                        severity=severity_name(record.severity_number),
                        first_line=record.line,
                        example=record.body[:500],
                    )
                else:
                    pattern.count += 1
    ordered = sorted(found.values(), key=lambda p: (-p.count, p.first_line, p.id))
    place = {pattern.id: index for index, pattern in enumerate(ordered)}
    answer = FoundPatterns(
        records=len(lines),
        patterns=ordered,
        assignments=[n for p, count in lines for n in (place[p], *[-1] * (count - 1))],
    )
    for problem in problems:
        say(f"aiops: {problem}")
    if as_json:
        print_json(answer)
    else:
        _print(answer)
    if problems:
        sys.exit(FAILED)


def _print(answer: FoundPatterns) -> None:
    out = console()
    for pattern in answer.patterns:
        out.print(f"{pattern.count:>8}  {pattern.severity:<11}  {safe(pattern.template)}")
    out.print(f"{len(answer.patterns)} patterns in {answer.records} records", style="dim")
