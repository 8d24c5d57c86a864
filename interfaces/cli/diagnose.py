"""`aiops diagnose`: logs in, diagnoses out, nothing kept."""

import sys
import time
from collections.abc import Sequence

from application.answering import Answer, AnsweredIncident, answers
from application.collecting import Collection
from application.intake import Origin
from domain.logs.parser import SourceParser
from infrastructure.collectors.files import SAMPLE, is_binary
from infrastructure.collectors.stdin import StdinReader
from infrastructure.composition import ThrowAwayStore, WriteSide, pipeline_of
from infrastructure.settings import load_settings
from interfaces.cli.failures import FAILED, InputUnusable
from interfaces.cli.terminal import COLOURS, console, print_json, safe, say

NOTHING_PIPED = "-: standard input is empty, nothing was read; pipe a log in"
_QUOTES_SHOWN = 3


def run(paths: Sequence[str], *, as_json: bool) -> None:
    """Diagnose and print. Exit code 1 when some of the input could not be read."""
    answer = diagnose(paths)
    for problem in answer.problems:
        say(f"aiops: {problem}")
    if as_json:
        print_json(answer)
    else:
        _print(answer)
    if answer.problems:
        sys.exit(FAILED)


def diagnose(paths: Sequence[str]) -> Answer:
    """The incidents in these logs. Raises InputUnusable when none of them can be read."""
    began = time.perf_counter()
    settings = load_settings(smtp_url="", mail_to="")
    with ThrowAwayStore() as write_side:
        problems = read_in(write_side, paths)
        pipeline = pipeline_of(settings, write_side)
        pipeline.drain()
        records = sum(n for n in write_side.recording.counts().values())
        return Answer(
            records=records,
            seconds=round(time.perf_counter() - began, 3),
            incidents=answers(write_side.log),
            problems=problems,
        )


def read_in(write_side: WriteSide, paths: Sequence[str]) -> list[str]:
    """Record everything the paths mean. Returns what could not be read.

    Raises InputUnusable when that is everything.
    """
    files = write_side.log_files([path for path in paths if path != "-"])
    files.search()
    files.read_to_end()
    lines = sum(collection.lines for collection in files.collections)
    problems = [str(problem) for problem in files.problems]
    if "-" in paths:
        piped = read_stdin(write_side, "stdin")
        lines += piped
        problems += [] if piped else [NOTHING_PIPED]
    for collection in files.collections:
        collection.wait_until_durable()
    if not lines:
        raise InputUnusable("; ".join(problems))
    return problems


def read_stdin(write_side: WriteSide, source: str) -> int:
    """Record what comes on standard input until it ends; returns how many lines that were.

    Raises InputUnusable for binary data.
    """
    if is_binary(sys.stdin.buffer.peek(SAMPLE)[:SAMPLE]):  # type: ignore[union-attr]
        raise InputUnusable("standard input is binary, not a log; pipe text in")
    origin = Origin(source, "stdin", "-")
    parser = SourceParser(source, write_side.formats)
    first_line = int(write_side.recording.known(source)[1].get("line", 0))
    reader = StdinReader(sys.stdin.buffer, first_line)
    collection = Collection(origin, reader, parser, write_side.intake)
    while collection.step():
        pass
    collection.finish()
    collection.wait_until_durable()
    return collection.lines


def _print(answer: Answer) -> None:
    out = console()
    if not answer.incidents:
        out.print(
            f"Nothing is wrong as far as these logs show ({answer.records} records, "
            f"{answer.seconds:.1f} s)."
        )
        return
    for number, incident in enumerate(answer.incidents):
        if number:
            out.print()
        _print_incident(incident)
    out.print()
    out.print(f"{answer.records} records, {answer.seconds:.1f} s", style="dim")


def _print_incident(incident: AnsweredIncident) -> None:
    out = console()
    colour = COLOURS[incident.criticality]
    out.print(f"{incident.criticality.upper()}  {safe(incident.title)}", style=colour)
    out.print(
        f"  {incident.error_class}, service {safe(incident.service)}, "
        f"confidence {incident.confidence:.0%}",
        style="dim",
    )
    out.print(f"  Cause  {safe(incident.root_cause)}")
    for evidence in incident.evidence[:_QUOTES_SHOWN]:
        out.print(f"  Proof  {safe(evidence.source)}:{evidence.line}  {safe(evidence.quote)}")
    for label, texts in (
        ("Now", incident.remediation.mitigation),
        ("Fix", incident.remediation.steps),
        ("Check", incident.remediation.verify),
    ):
        for text in texts:
            out.print(f"  {label:<6} {safe(text)}")
    for patch in incident.remediation.patches:
        out.print(f"  Patch  {safe(patch.path)} (a sketch)")
        out.print(safe(patch.diff), style="dim")
