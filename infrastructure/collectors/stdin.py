"""Lines from a pipe."""

from collections.abc import Iterator
from dataclasses import dataclass
from io import BufferedReader
from typing import BinaryIO

from domain.logs.framing import PhysicalLine
from domain.logs.source import Checkpoint
from infrastructure.collectors.line_splitting import LineSplitter

BLOCK = 1 << 16


def lines_from(stream: BinaryIO) -> Iterator[PhysicalLine]:
    """The lines of a binary stream as they arrive, the last one with or without a newline."""
    splitter = LineSplitter()
    # read1 returns what is there instead of waiting for a full block
    read = stream.read1 if isinstance(stream, BufferedReader) else stream.read
    while block := read(BLOCK):
        yield from splitter.split(block)
    yield from splitter.rest()


@dataclass(slots=True)
class PipedLines:
    """Lines that came through a pipe. There is nothing to read again, so lines are counted."""

    lines: list[PhysicalLine]
    fresh: bool = False

    def checkpoint_at(self, end: int) -> Checkpoint:
        """How many bytes came through the pipe in this run."""
        return {"kind": "stdin", "offset": end}


class StdinReader:
    """A pipe as a line reader: `read` blocks until there is a line, None is the end."""

    def __init__(self, stream: BinaryIO, lines_before: int = 0) -> None:
        """`lines_before`: lines this source handed in earlier; numbers go on from there."""
        self._stream = stream
        self._splitter = LineSplitter(0, lines_before)

    def read(self, max_bytes: int = BLOCK) -> PipedLines | None:
        """The next whole lines; None when the pipe has ended."""
        stream = self._stream
        read = stream.read1 if isinstance(stream, BufferedReader) else stream.read
        while block := read(max_bytes):
            lines = self._splitter.split(block)
            if lines:
                return PipedLines(lines)
        return None

    def finish(self) -> PipedLines | None:
        """A last line without a newline."""
        lines = self._splitter.rest()
        return PipedLines(lines) if lines else None

    def losses(self) -> list[str]:
        """None: a pipe keeps what it was given."""
        return []
