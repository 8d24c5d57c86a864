"""From a line reader to durable chunks: the work of every collector."""

import time
from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from typing import Protocol

from application.chunking import Chunk, chunks
from application.intake import Intake, Origin
from domain.logs.framing import Parsed, PhysicalLine
from domain.logs.parser import SourceParser
from domain.logs.record import LogRecord
from domain.logs.source import Checkpoint, RecordsAppended

_IDLE_SECONDS = 0.7
"""A record that may still grow is taken as whole after this long without a new line."""


class LineBatch(Protocol):
    """Lines read in one go."""

    lines: list[PhysicalLine]
    fresh: bool
    """These lines begin another file than those before: nothing spans them."""

    def checkpoint_at(self, end: int) -> Checkpoint:
        """How far collection got when everything up to byte `end` is durable."""
        ...


class LineReader(Protocol):
    """Reads a source from its checkpoint on."""

    def read(self, max_bytes: int = 1 << 20) -> LineBatch | None:
        """The next lines; None where there is nothing new. Raises OSError."""
        ...

    def finish(self) -> LineBatch | None:
        """What is left when the source ends: a last line without a line end."""
        ...

    def losses(self) -> list[str]:
        """What can never be read any more, in words; each is told once."""
        ...


class Collection:
    """One source on its way into the store: reader, parser, intake."""

    def __init__(
        self,
        origin: Origin,
        reader: LineReader,
        parser: SourceParser,
        intake: Intake,
        *,
        failing: str = "",
    ) -> None:
        """`failing`: why the source could not be collected so far, recorded already."""
        self.origin = origin
        self._reader = reader
        self._parser = parser
        self._intake = intake
        self._last_batch: LineBatch | None = None
        self._last_line = 0.0
        self._failing = failing
        self.lost: list[str] = []
        """What was gone before it could be read, in words."""
        self.lines = 0
        """Physical lines read so far."""
        self._last_handed_in: Future[RecordsAppended | None] | None = None

    def step(self) -> bool:
        """Read and hand in what is there now; returns whether there was anything new.

        A source that cannot be read is recorded as failed once, and as resumed when it can.
        """
        try:
            batch = self._reader.read()
        except OSError as error:
            self._fail(error)
            return False
        self._note_losses(batch)
        if batch is None or not batch.lines:
            self._flush_when_idle()
            self._recover()
            return False
        self._take(batch)
        self._recover()
        return True

    @property
    def failure(self) -> str:
        """Why the source could not be read at the last attempt; empty where it could."""
        return self._failing

    def finish(self) -> None:
        """The source has ended: hand in everything that is left."""
        batch = self._reader.finish()
        if batch is not None and batch.lines:
            self._take(batch)
        self._hand_in(self._parser.flush(time.time_ns()))

    def wait_until_durable(self) -> None:
        """Block until everything handed in is durable. Raises what the store raised."""
        if self._last_handed_in is not None:
            self._last_handed_in.result()

    @property
    def settled(self) -> bool:
        """Whether everything handed in is durable or refused."""
        return self._last_handed_in is None or self._last_handed_in.done()

    def fail(self, reason: str, remedy: str) -> None:
        """Record, once, that the source cannot be collected now."""
        if reason != self._failing:
            self._failing = reason
            self._intake.note(self.origin, "fail", reason, remedy)

    def _note_losses(self, batch: LineBatch | None) -> None:
        """What is gone, recorded where it is missing: before the lines that come after it."""
        lost = self._reader.losses()
        if lost and (batch is None or batch.fresh):
            self._hand_in(self._parser.flush(time.time_ns()))
        for reason in lost:
            self.lost.append(reason)
            self._intake.note(self.origin, "reject", 0, reason, "")

    def _take(self, batch: LineBatch) -> None:
        if batch.fresh:
            self._hand_in(self._parser.flush(time.time_ns()))
        self._last_batch, self._last_line = batch, time.monotonic()
        self.lines += len(batch.lines)
        self._hand_in(self._parser.feed(batch.lines, time.time_ns()))

    def _flush_when_idle(self) -> None:
        if self._last_line and time.monotonic() - self._last_line > _IDLE_SECONDS:
            self._last_line = 0.0
            self._hand_in(self._parser.flush(time.time_ns()))

    def _hand_in(self, parsed: Sequence[Parsed]) -> None:
        if not parsed or self._last_batch is None:
            return
        for chunk in chunks(parsed, self._last_batch.checkpoint_at):
            self._last_handed_in = self._intake.submit(self.origin, chunk)

    def _fail(self, error: OSError) -> None:
        reason = f"{self.origin.location}: {error.strerror or error}"
        self.fail(reason, "check that the file exists and may be read")

    def _recover(self) -> None:
        if self._failing:
            self._failing = ""
            self._intake.note(self.origin, "resume")


def collect_lines(
    origin: Origin, lines: Iterable[str], parser: SourceParser, *, first_line: int
) -> list[Chunk]:
    """Chunks of lines that came whole, as over HTTP; they are numbered on from `first_line`.

    The checkpoint says how many lines the source has handed in so far.
    """
    physical = [PhysicalLine(first_line + n, text, first_line + n) for n, text in enumerate(lines)]
    observed = time.time_ns()
    parsed = [*parser.feed(physical, observed), *parser.flush(observed)]
    return list(chunks(parsed, lambda end: {"kind": origin.kind, "line": end}))


def collect_records(origin: Origin, records: Sequence[LogRecord], lines_before: int) -> list[Chunk]:
    """Chunks of records that came whole; their lines, numbered from 1, go on after others."""
    for record in records:
        record.line += lines_before
    parsed = [Parsed(record, record.line + record.line_count - 1) for record in records]
    return list(chunks(parsed, lambda end: {"kind": origin.kind, "line": end}))
