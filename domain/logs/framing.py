"""Physical lines in, whole records out: what a parser receives and returns."""

from dataclasses import dataclass

from domain.logs.record import LogRecord

MAX_LINES = 1_000
"""Physical lines one record may span; what follows begins another record."""

MAX_CHARACTERS = 1 << 20
"""Characters one record may gather from its continuation lines."""


@dataclass(slots=True, frozen=True)
class PhysicalLine:
    """One line as it lies in its source.

    number: from 1. text: without its newline. end: byte offset just after it in its source.
    dropped: bytes of a huge line that were left out of the text already. joined: the sender handed
    it in as part of the same message as the line before, so it belongs to the same record.
    """

    number: int
    text: str
    end: int
    dropped: int = 0
    joined: bool = False


@dataclass(slots=True)
class Parsed:
    """A finished record. end: byte offset after its last physical line."""

    record: LogRecord
    end: int
