"""Bytes into physical lines: one search and one decode a block, however long a line is."""

from domain.logs.framing import PhysicalLine

MAX_LINE = 1 << 20
"""Bytes of one line that are kept; the rest is counted for offsets and then let go."""


class LineSplitter:
    """Splits blocks of one source into lines; keeps the unfinished last line for the next block.

    offset, line: where the first block begins (bytes, lines before it). Invalid bytes become
    visible `\\xff` escapes.
    """

    def __init__(self, offset: int = 0, line: int = 0, encoding: str = "utf-8") -> None:
        self._end = offset
        self._line = line
        self._encoding = encoding
        self._newline = "\n".encode(encoding)
        self._open: list[bytes] = []
        self._kept = 0
        self._size = 0

    def split(self, block: bytes) -> list[PhysicalLine]:
        """The lines this block completes."""
        if len(self._newline) == 2:
            return self._split_wide(block)
        last = block.rfind(b"\n")
        if last < 0:
            self._keep(block)
            return []
        body = block[: last + 1]
        lines: list[PhysicalLine] = []
        if self._size:
            first = body.find(b"\n")
            self._keep(body[:first])
            lines.append(self._take_open(1))
            body = body[first + 1 :]
        self._append_whole(body, lines)
        self._keep(block[last + 1 :])
        return lines

    @property
    def whole(self) -> tuple[int, int]:
        """Where the last whole line ended: byte and line number."""
        return self._end, self._line

    def rest(self) -> list[PhysicalLine]:
        """The last line, which has no newline; empty where there is none."""
        return [self._take_open(0)] if self._size else []

    def _append_whole(self, body: bytes, lines: list[PhysicalLine]) -> None:
        if not body:
            return
        end, number = self._end, self._line
        raw_lines = body[:-1].split(b"\n")
        if body.isascii():
            texts = body[:-1].decode("ascii").split("\n")
        else:
            texts = [self._decode(raw) for raw in raw_lines]
        for text, raw in zip(texts, raw_lines, strict=True):
            end += len(raw) + 1
            number += 1
            lines.append(
                PhysicalLine(number, text if len(raw) <= MAX_LINE else text[:MAX_LINE], end)
            )
        self._end, self._line = end, number

    def _split_wide(self, block: bytes) -> list[PhysicalLine]:
        lines: list[PhysicalLine] = []
        data = b"".join([*self._open, block])
        self._open, self._kept, self._size = [], 0, 0
        start = at = 0
        while (at := data.find(self._newline, at)) >= 0:
            if (at - start) % 2:  # found across two code units
                at += 1
                continue
            self._keep(data[start:at])
            lines.append(self._take_open(2))
            start = at = at + 2
        self._keep(data[start:])
        return lines

    def _keep(self, piece: bytes) -> None:
        if not piece:
            return
        self._size += len(piece)
        if self._kept < MAX_LINE:
            piece = piece[: MAX_LINE - self._kept]
            self._open.append(piece)
            self._kept += len(piece)

    def _take_open(self, newline: int) -> PhysicalLine:
        raw = b"".join(self._open)
        self._end += self._size + newline
        self._line += 1
        text = self._decode(raw)
        dropped = self._size - self._kept
        self._open, self._kept, self._size = [], 0, 0
        return PhysicalLine(self._line, text, self._end, dropped)

    def _decode(self, raw: bytes) -> str:
        return raw.decode(self._encoding, "backslashreplace").lstrip("\ufeff")
