"""Lines from a pipe."""

from collections.abc import Iterator
from io import BufferedReader
from typing import BinaryIO

from domain.logs.framing import PhysicalLine
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
