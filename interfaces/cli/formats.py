"""`aiops formats` and `aiops parse`: which logs are understood, and how a log was understood."""

import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from domain.logs.formats import FormatCatalogue
from domain.logs.framing import Parsed, PhysicalLine
from domain.logs.parser import SourceParser
from domain.logs.record import severity_name
from domain.logs.service_names import service_of_file
from domain.logs.timestamps import iso_utc
from infrastructure.collectors.files import expand
from infrastructure.collectors.stdin import lines_from
from infrastructure.collectors.tail import FileTail
from infrastructure.format_files import load_formats
from interfaces.cli.failures import InputUnusable, WrongUsage
from interfaces.cli.terminal import console, print_json, safe

_SHOWN = 160
"""Characters of a text in a table for people."""


class KnownFormat(BaseModel):
    """A layout of log lines and an example of it."""

    name: str
    technology: str
    example: str


class KnownFormats(BaseModel):
    """What `aiops formats --json` prints, in the order the formats are tried."""

    formats: list[KnownFormat]


class UnderstoodRecord(BaseModel):
    """One record: its physical lines, the format it was read with, and what was read.

    line: number of its first line; the others (lines - 1) continue it. timestamp: UTC, empty
    where neither this line nor one above it has a time.
    """

    line: int
    lines: int
    format: str
    timestamp: str
    severity: str
    service: str
    body: str
    attributes: dict[str, Any]


class UnderstoodLog(BaseModel):
    """What `aiops parse --json` prints. formats: how many records each format read."""

    source: str
    lines: int
    formats: dict[str, int]
    records: list[UnderstoodRecord]


def list_formats(*, as_json: bool) -> None:
    """Print every format with an example."""
    known = [
        KnownFormat(
            name=item.name,
            technology=item.technology or "",
            example=item.samples[0].line.split("\n")[0],
        )
        for item in load_formats().formats
    ]
    if as_json:
        print_json(KnownFormats(formats=known))
        return
    out = console()
    for item in known:
        out.print(f"{item.name:<26} {item.technology:<18} {safe(item.example)[:_SHOWN]}")
    out.print(f"{len(known)} formats", style="dim")


def parse(path: str, *, name: str, explain: bool, as_json: bool) -> None:
    """Print how a file (or `-`) is understood.

    Raises WrongUsage for a format that does not exist, InputUnusable for a file that cannot be
    read.
    """
    understood = _understand(path, _catalogue(name))
    if as_json:
        print_json(understood)
    elif explain:
        _explain(understood)
    else:
        _list_records(understood)


def _catalogue(name: str) -> FormatCatalogue:
    if not name:
        return load_formats()
    try:
        return load_formats().only(name)
    except KeyError:
        raise WrongUsage(
            f"there is no format {name!r}: 'aiops formats' lists those there are"
        ) from None


def _understand(path: str, formats: FormatCatalogue) -> UnderstoodLog:
    read_with: dict[int, str] = {}
    service = service_of_file(Path(path).name) if path != "-" else None
    parser = SourceParser(path, formats, service=service, told=read_with.__setitem__)
    parsed: list[Parsed] = []
    count = 0
    for lines in _batches(path):
        count += len(lines)
        parsed += parser.feed(lines, time.time_ns())
    parsed += parser.flush(time.time_ns())
    if not count:
        raise InputUnusable(f"{path}: is empty, nothing was read; check that something logs to it")
    records = [_understood(item, read_with[item.record.line]) for item in parsed]
    names = [record.format for record in records]
    return UnderstoodLog(
        source=path,
        lines=count,
        formats={name: names.count(name) for name in dict.fromkeys(names)},
        records=records,
    )


def _batches(path: str) -> Iterator[list[PhysicalLine]]:
    if path == "-":
        yield list(lines_from(sys.stdin.buffer))
        return
    paths, problems = expand([path])
    if problems:
        raise InputUnusable("; ".join(str(problem) for problem in problems))
    if len(paths) > 1:
        raise WrongUsage(f"{path} means {len(paths)} files: give one file")
    tail = FileTail(paths[0], None)
    while (batch := tail.read()) is not None and batch.lines:
        yield batch.lines
    if (rest := tail.finish()) is not None:
        yield rest.lines


def _understood(parsed: Parsed, name: str) -> UnderstoodRecord:
    record = parsed.record
    return UnderstoodRecord(
        line=record.line,
        lines=record.line_count,
        format=name,
        timestamp="" if record.timestamp is None else iso_utc(record.timestamp),
        severity=severity_name(record.severity_number),
        service=record.service,
        body=record.body,
        attributes={key: value for key, value in record.attributes.items() if value != ""},
    )


def _explain(log: UnderstoodLog) -> None:
    """Line by line: what it is and what was read from it."""
    out = console()
    for record in log.records:
        out.print(
            f"{record.line:>6}  {record.format}  {record.timestamp or 'no time'}  "
            f"{record.severity}  {safe(record.service) or 'no service'}"
        )
        out.print(f"        {safe(record.body).split(chr(10))[0][:_SHOWN]}")
        for key, value in record.attributes.items():
            if key not in ("log.record.original", "exception.stacktrace"):
                text = safe(str(value)).replace("\n", " ")
                out.print(f"        {safe(key)} = {text[:_SHOWN]}", style="dim")
        for number in range(record.line + 1, record.line + record.lines):
            out.print(f"{number:>6}  continues line {record.line}", style="dim")
    read = ", ".join(f"{count} {name}" for name, count in log.formats.items())
    out.print(f"{log.lines} lines, {len(log.records)} records: {read}", style="dim")


def _list_records(log: UnderstoodLog) -> None:
    out = console()
    for record in log.records:
        header = f"{record.timestamp or '-'} {record.severity} {safe(record.service) or '-'}"
        out.print(f"{record.line}: {header} {safe(record.body)}")
