"""One log file, read from where collection stopped and followed through whatever happens to it."""

import codecs
import os
import time
from bisect import bisect_left
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path

from domain.logs.cleaning import clean_name
from domain.logs.framing import PhysicalLine
from domain.logs.source import Checkpoint
from infrastructure.collectors.archives import GZIP, Unpacked, unpack
from infrastructure.collectors.generations import (
    FLAGS,
    HEAD,
    Found,
    Identity,
    family,
    fingerprint,
    live_name,
    look,
    number_of,
    read_before,
    read_last,
)
from infrastructure.collectors.line_splitting import LineSplitter

QUIET = 5.0
"""Seconds without a new byte after which nobody writes to a renamed file any more.

logrotate makes the new file first and signals the writer then; until that one has opened the new
file it goes on writing to the old one.
"""

REMEMBERED = 4096
"""Lines whose checkpoints stay known: what a parser may still hold back.

More than `HELD_LINES` of domain.logs.parser and two records of `MAX_LINES` together.
"""

MAX_READ = 64
"""Finished files a checkpoint remembers."""

UTF16 = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}


@dataclass(slots=True)
class Batch:
    """Lines read in one go, and how far collection has come after any of them.

    fresh: the first batch of another file than the batch before (rotation, truncation): numbers
    and offsets begin anew, so a parser must be flushed before it is fed.
    """

    lines: list[PhysicalLine]
    identity: Checkpoint
    fresh: bool
    recent: tuple[list[PhysicalLine], ...]

    def checkpoint_at(self, end: int) -> Checkpoint:
        """The checkpoint after the line that ends at byte `end`, of this batch or shortly before.

        Raises ValueError for an offset where no line of them ends.
        """
        for lines in reversed(self.recent):
            index = bisect_left(lines, end, key=attrgetter("end"))
            if index < len(lines) and lines[index].end == end:
                return {**self.identity, "offset": end, "line": lines[index].number}
        raise ValueError(f"no line ends at byte {end} of {self.identity['path']}")


class FileTail:
    """Reads one file from its checkpoint on and stays with it while it grows and rotates.

    A missing file is no error: `read` returns None until it appears. Other OSErrors (no
    permission) are raised.
    """

    def __init__(
        self,
        path: Path,
        checkpoint: Checkpoint | None,
        *,
        start_at_end: bool = False,
        quiet: float = 0.0,
        is_taken: Callable[[Found], bool] = lambda _: False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`start_at_end`: without a checkpoint, skip what is in the file already. `quiet`: seconds
        without a new byte after which a renamed file is left for the new one; 0 reads what is
        there and does not wait. `is_taken`: whether a file belongs to another source.
        """
        self.path = path
        self.quiet = quiet
        self._is_taken = is_taken
        self._clock = clock
        self._descriptor = -1
        self._offset = 0
        self._splitter = LineSplitter()
        self._identity: Checkpoint = {}
        self._head = b""
        self._unpacked: Unpacked | None = None
        self._resume = checkpoint if checkpoint and checkpoint.get("kind") == "file" else None
        self._read = read_before(self._resume) if self._resume else []
        self._at_end = start_at_end and self._resume is None
        self._recent: deque[list[PhysicalLine]] = deque()
        self._remembered = 0
        self._fresh = True
        self._idle = False
        self._grew_at = 0.0
        self._was_live = True
        self._left: Identity | None = None
        self._lost: list[str] = []

    def read(self, max_bytes: int = 1 << 20) -> Batch | None:
        """The next whole lines; None when nothing is new. Raises OSError for an unreadable file."""
        while True:
            if self._descriptor < 0 and not self._open():
                return None
            rewritten = self._idle and self._is_rewritten()
            block = b"" if rewritten else self._next_block(max_bytes)
            self._idle = not block
            if block:
                batch = self._batch(self._taken(block))
            elif rewritten or self._is_cut():
                batch = self._leave_rewritten()
            elif self._is_replaced():
                batch = self._leave()
            else:
                return None
            if batch is not None:
                return batch

    def finish(self) -> Batch | None:
        """The last line of a file that does not end with a newline; None where there is none."""
        return self._batch(self._splitter.rest())

    def losses(self) -> list[str]:
        """What rotation took away before it was read; each is told once."""
        lost, self._lost = self._lost, []
        return lost

    def identities(self) -> list[Identity]:
        """The files read by this source: those that are finished, and the one it stands in."""
        standing = read_last({**self._identity, "offset": self._offset}) if self._identity else None
        resume = read_last(self._resume) if self._resume else None
        return [*self._read, *(known for known in (standing, resume, self._left) if known)]

    def will_read(self, found: Found) -> bool:
        """Whether a file beside this one was written after the checkpoint, so comes first."""
        resume = read_last(self._resume) if self._resume else None
        if resume is None:
            return False
        return found.path in [later.path for later in self._after(resume)[1]]

    def close(self) -> None:
        """Let go of the file. A later `read` opens it anew, from its beginning."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
        if self._unpacked is not None:
            self._unpacked.close()
        self._descriptor, self._unpacked = -1, None
        self._offset, self._splitter = 0, LineSplitter()
        self._identity = {}
        self._recent.clear()
        self._remembered = 0
        self._fresh, self._idle = True, False

    # -- which file ------------------------------------------------------------------------------

    def _open(self) -> bool:
        chosen = self._choose()
        if chosen is None:
            return False
        path, expected, goes_on, lost = chosen
        try:
            self._descriptor = os.open(path, FLAGS)
        except FileNotFoundError:
            return False
        try:
            status = os.fstat(self._descriptor)
            if expected and (status.st_dev, status.st_ino) != (expected.device, expected.inode):
                self.close()  # renamed between the look and the opening: look again
                return False
            self._begin(status, goes_on=goes_on)
        except BaseException:
            self.close()
            raise
        self._was_live = path == self.path
        self._resume, self._left, self._at_end = None, None, False
        if lost:
            self._lost.append(lost)
        return True

    def _choose(self) -> tuple[Path, Found | None, bool, str] | None:
        """The file to open now, whether to go on in it at the checkpoint, and what is lost."""
        if self._left is not None:
            found, lost = self._successor(self._left)
            return (found.path, found, False, lost) if found else None
        resume = read_last(self._resume) if self._resume else None
        if resume is None or self._resume is None:
            return self.path, None, False, ""
        place, later = self._after(resume)
        if place is not None:
            return place.path, place, True, ""
        found = later[0] if later else look(self.path)
        if found is None:
            return self.path, None, False, ""  # missing, or the opening tells why it cannot be
        if self._is_taken(found):
            return None
        lost = (
            f"{self._name}: the file that was read up to line {self._resume.get('line', 0)} is "
            "gone; whether it held more is not known"
        )
        return found.path, found, False, lost if resume.size else ""

    def _after(self, known: Identity) -> tuple[Found | None, list[Found]]:
        """Where a file is now, and the generations written after it, the live one not among them.

        Without the file those count that were written since it was read last, and not read yet.
        """
        live = look(self.path)
        if live is not None and known.is_same(live):
            return live, []
        others = [found for found in family(self.path) if not self._is_taken(found)]
        place = next((found for found in others if known.is_same(found)), None) or next(
            (found for found in reversed(others) if self._is_copy(known, found)), None
        )
        if live_name(self.path.name) != self.path.name:
            return place, []  # itself left by a rotation: what lies beside it is not its own
        at = others.index(place) + 1 if place is not None else 0
        unread = [found for found in others[at:] if not self._is_read(found)]
        if place is not None:
            return place, unread
        modified = self._modified()
        return None, [found for found in unread if modified and found.modified > modified]

    def _modified(self) -> int:
        """When the file read last was written last, as far as is known; ns since 1970."""
        if self._descriptor >= 0:
            return os.fstat(self._descriptor).st_mtime_ns
        return int((self._resume or self._identity).get("modified", 0))

    def _is_read(self, found: Found) -> bool:
        return any(
            known.is_same(found) or known.is_copied(found, whole=True) for known in self._read
        )

    def _is_copy(self, known: Identity, found: Found) -> bool:
        return known.is_copied(found, whole=False) and not self._is_read(found)

    def _successor(self, known: Identity) -> tuple[Found | None, str]:
        """What to read after a file that is finished, and what is lost between the two.

        None while there is nothing in it: whoever writes has not opened it yet.
        """
        place, later = self._after(known)
        following = later[0] if later else look(self.path)
        if following is None or not following.size or self._is_taken(following):
            return None, ""
        if following.path == self.path and (place == following or self._is_read(following)):
            return None, ""
        if place is None or live_name(self.path.name) != self.path.name:
            return following, ""
        return following, self._missing_between(place.path, following.path)

    def _missing_between(self, before: Path, following: Path) -> str:
        """Numbers that are missing between two generations read one after the other."""
        number = number_of(before.name)
        beside = 0 if following == self.path else number_of(following.name)
        if number is None or beside is None or number - beside < 2:
            return ""
        return (
            f"{self._name}: {number - beside - 1} of its rotated files, between "
            f"{clean_name(before.name)} and {clean_name(following.name)}, went before they were "
            "read; how many lines they held is not known"
        )

    @property
    def _name(self) -> str:
        return clean_name(str(self.path))

    # -- where in it -----------------------------------------------------------------------------

    def _begin(self, status: os.stat_result, *, goes_on: bool) -> None:
        head = os.pread(self._descriptor, HEAD, 0)
        self._head = head
        if head.startswith(GZIP):
            self._unpacked = unpack(os.dup(self._descriptor), status.st_size)
        self._identity = {
            "kind": "file", "path": self._name, "inode": status.st_ino, "device": status.st_dev,
            "offset": 0, "line": 0, "head": fingerprint(head), "head_bytes": len(head),
            "read": [known.noted() for known in self._read[-MAX_READ:]],
        }  # fmt: skip
        offset = line = 0
        if goes_on and self._resume is not None:
            offset, line = int(self._resume["offset"]), int(self._resume["line"])
        elif self._at_end and self._unpacked is None:
            offset, line = self._end_of_last_line(status.st_size)
        self._offset = offset
        self._splitter = LineSplitter(offset, line, UTF16.get(head[:2], "utf-8"))
        if self._unpacked is not None:
            self._unpacked.skip(offset)
        self._grew_at = self._clock()

    def _end_of_last_line(self, size: int) -> tuple[int, int]:
        offset = lines = 0
        at = 0
        while at < size:
            block = os.pread(self._descriptor, 1 << 20, at)
            if not block:
                break
            lines += block.count(b"\n")
            newline = block.rfind(b"\n")
            if newline >= 0:
                offset = at + newline + 1
            at += len(block)
        return offset, lines

    def _next_block(self, max_bytes: int) -> bytes:
        if self._unpacked is not None:
            return self._unpacked.read(max_bytes)
        return os.pread(self._descriptor, max_bytes, self._offset)

    def _taken(self, block: bytes) -> list[PhysicalLine]:
        if self._unpacked is None and self._offset <= len(self._head) < HEAD:
            # of what was read, not of what is there now: it may be another file's already
            head = (self._head[: self._offset] + block)[:HEAD]
            if len(head) > len(self._head):
                self._know_head(head)
        self._offset += len(block)
        self._grew_at = self._clock()
        return self._splitter.split(block)

    def _know_head(self, head: bytes) -> None:
        self._head = head
        self._identity = {
            **self._identity, "head": fingerprint(head), "head_bytes": len(head)
        }  # fmt: skip

    # -- whether it is still the one -------------------------------------------------------------

    def _is_rewritten(self) -> bool:
        """Whether the open file was truncated, even if it has grown past our offset again."""
        if self._unpacked is not None:
            return False
        return not os.pread(self._descriptor, HEAD, 0).startswith(self._head)

    def _is_cut(self) -> bool:
        return self._unpacked is None and os.fstat(self._descriptor).st_size < self._offset

    def _is_replaced(self) -> bool:
        """Whether another file is at the path, and nobody writes to the open one any more."""
        status = os.fstat(self._descriptor)
        try:
            current = self.path.stat()
        except FileNotFoundError:
            return False
        if (current.st_ino, current.st_dev) == (status.st_ino, status.st_dev):
            return False
        quiet = self._clock() - self._grew_at >= self.quiet
        if not quiet and not self._was_live:
            quiet = time.time() - status.st_mtime >= self.quiet
        return quiet and self._successor(self._standing())[0] is not None

    def _standing(self) -> Identity:
        standing = read_last({**self._identity, "offset": self._offset})
        assert standing is not None
        return standing

    def _leave(self) -> Batch | None:
        """Finish the open file; the next one is opened by the next read."""
        batch = self._batch(self._splitter.rest())  # what was read stays read
        standing = self._standing()
        self._read = [*self._read, standing][-MAX_READ:]
        modified = self._modified()
        self.close()
        self._left, self._identity = standing, {"modified": modified}
        return batch

    def _leave_rewritten(self) -> Batch | None:
        """The open file begins anew. What it held is finished in a copy, where there is one."""
        offset, line = self._splitter.whole
        unfinished = {**self._identity, "offset": offset, "line": line}
        known = read_last(unfinished)
        assert known is not None
        place, _ = self._after(known)
        batch = None
        if place is None:
            batch = self._batch(self._splitter.rest())
            self._read = [*self._read, self._standing()][-MAX_READ:]
        self.close()
        self._resume = unfinished if place is not None else None
        return batch

    def _batch(self, lines: list[PhysicalLine]) -> Batch | None:
        if not lines:
            return None
        self._recent.append(lines)
        self._remembered += len(lines)
        while len(self._recent) > 1 and self._remembered - len(self._recent[0]) >= REMEMBERED:
            self._remembered -= len(self._recent.popleft())
        fresh, self._fresh = self._fresh, False
        identity = {**self._identity, "modified": os.fstat(self._descriptor).st_mtime_ns}
        return Batch(lines, identity, fresh, tuple(self._recent))


__all__ = ["HEAD", "QUIET", "UTF16", "Batch", "FileTail"]
