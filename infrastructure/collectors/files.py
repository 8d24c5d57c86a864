"""Log files: which ones are meant, and following each across rotation and truncation."""

import codecs
import os
import stat
from bisect import bisect_left
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from glob import escape as glob_escape
from glob import glob, has_magic
from hashlib import sha256
from operator import attrgetter
from pathlib import Path

from domain.logs.framing import PhysicalLine
from domain.logs.source import Checkpoint
from infrastructure.collectors.archives import GZIP, Unpacked, UnpackingError, unpack
from infrastructure.collectors.line_splitting import MAX_LINE, LineSplitter

HEAD = 256
"""First bytes of a file whose hash tells it from another with the same inode."""

REMEMBERED = 4096
"""Lines whose checkpoints stay known: what a parser may still hold back.

More than `HELD_LINES` of domain.logs.parser and two records of `MAX_LINES` together.
"""

SAMPLE = 8192
"""Bytes looked at to tell text from binary."""

_ARCHIVES = (".bz2", ".xz", ".zst", ".zip", ".tar", ".tgz", ".7z", ".rar", ".lz4")
_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0)  # a named pipe must not hang us
_DOCUMENTS = frozenset(
    [".conf", ".cfg", ".ini", ".yaml", ".yml", ".toml", ".md", ".html", ".xml", ".py", ".js", ".sh", ".sql", ".db", ".pid", ".sock", ".lock"]
)

_UTF16 = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}


@dataclass(frozen=True, slots=True)
class InputProblem:
    """Input that cannot be read: where, what is wrong, what to do."""

    path: str
    problem: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.path}: {self.problem}; {self.remedy}"


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

    start_at_end: without a checkpoint, skip what is in the file already. A missing file is no
    error: `read` returns None until it appears. Other OSErrors (no permission) are raised.
    """

    def __init__(
        self, path: Path, checkpoint: Checkpoint | None, *, start_at_end: bool = False
    ) -> None:
        self.path = path
        self._descriptor = -1
        self._offset = 0
        self._splitter = LineSplitter()
        self._identity: Checkpoint = {}
        self._unpacked: Unpacked | None = None
        self._resume = checkpoint if checkpoint and checkpoint.get("kind") == "file" else None
        self._at_end = start_at_end and self._resume is None
        self._recent: deque[list[PhysicalLine]] = deque()
        self._fresh = True
        self._idle = False

    def read(self, max_bytes: int = 1 << 20) -> Batch | None:
        """The next whole lines; None when nothing is new. Raises OSError for an unreadable file."""
        while True:
            if self._descriptor < 0 and not self._open():
                return None
            rewritten = self._idle and self._is_rewritten()
            block = b"" if rewritten else self._next_block(max_bytes)
            self._idle = not block
            if block:
                self._offset += len(block)
                batch = self._batch(self._splitter.split(block))
                if batch is not None:
                    return batch
            elif rewritten or self._is_replaced():
                batch = self._batch(self._splitter.rest())  # what was read stays read
                self.close()
                if batch is not None:
                    return batch
            else:
                return None

    def finish(self) -> Batch | None:
        """The last line of a file that does not end with a newline; None where there is none."""
        return self._batch(self._splitter.rest())

    def close(self) -> None:
        """Let go of the file. A later `read` opens it anew, from its beginning."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
        if self._unpacked is not None:
            self._unpacked.close()
        self._descriptor, self._unpacked = -1, None
        self._offset, self._splitter = 0, LineSplitter()
        self._recent.clear()
        self._fresh, self._idle = True, False

    def _open(self) -> bool:
        try:
            self._descriptor = os.open(self._file_to_open(), _FLAGS)
        except FileNotFoundError:
            return False
        status = os.fstat(self._descriptor)
        head = os.pread(self._descriptor, HEAD, 0)
        encoding = _UTF16.get(head[:2], "utf-8")
        self._identity = {
            "kind": "file", "path": str(self.path), "inode": status.st_ino,
            "device": status.st_dev, "offset": 0, "line": 0, "head": _fingerprint(head),
            "head_bytes": len(head),
        }  # fmt: skip
        if head.startswith(GZIP):
            self._unpacked = unpack(os.dup(self._descriptor), status.st_size)
        offset, line = self._start(status, head)
        self._offset = offset
        self._splitter = LineSplitter(offset, line, encoding)
        if self._unpacked is not None:
            self._unpacked.skip(offset)
        self._resume, self._at_end = None, False
        return True

    def _file_to_open(self) -> Path:
        """The path, or what it was renamed to since the checkpoint: that is finished first."""
        resume = self._resume
        if resume is None:
            return self.path
        for candidate in (
            self.path,
            *sorted(self.path.parent.glob(f"{glob_escape(self.path.name)}*")),
        ):
            try:
                status = candidate.stat()
            except OSError:
                continue
            if (status.st_ino, status.st_dev) == (resume.get("inode"), resume.get("device")):
                return candidate
        return self.path

    def _start(self, status: os.stat_result, head: bytes) -> tuple[int, int]:
        """Where to begin: after the checkpoint if this is still the same file."""
        resume = self._resume
        if resume is not None:
            known = int(resume.get("head_bytes", HEAD))
            same = resume.get("head") == _fingerprint(head[:known])
            offset = int(resume["offset"])
            fits = self._unpacked is not None or offset <= status.st_size
            if same and fits and resume.get("inode") == status.st_ino:
                return offset, int(resume["line"])
        if self._at_end and self._unpacked is None:
            return self._end_of_last_line(status.st_size)
        return 0, 0

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

    def _is_rewritten(self) -> bool:
        """Whether the open file was truncated, even if it has grown past our offset again."""
        if self._unpacked is not None:
            return False
        known = int(self._identity["head_bytes"])
        head = os.pread(self._descriptor, HEAD, 0)
        if _fingerprint(head[:known]) != self._identity["head"]:
            return True
        if len(head) > known:
            self._identity = {**self._identity, "head": _fingerprint(head), "head_bytes": len(head)}
        return False

    def _is_replaced(self) -> bool:
        """Whether the open file is no longer the one at the path, or has become shorter."""
        status = os.fstat(self._descriptor)
        if self._unpacked is None and status.st_size < self._offset:
            return True
        try:
            current = self.path.stat()
        except FileNotFoundError:
            return False
        return (current.st_ino, current.st_dev) != (status.st_ino, status.st_dev)

    def _batch(self, lines: list[PhysicalLine]) -> Batch | None:
        if not lines:
            return None
        self._recent.append(lines)
        known = sum(map(len, self._recent))
        while len(self._recent) > 1 and known - len(self._recent[0]) >= REMEMBERED:
            known -= len(self._recent.popleft())
        fresh, self._fresh = self._fresh, False
        return Batch(lines, self._identity, fresh, tuple(self._recent))


def expand(patterns: Sequence[str]) -> tuple[list[Path], list[InputProblem]]:
    """The files that patterns mean: files, globs, and directories with their regular files.

    What cannot be read becomes a problem; the other files are still returned. An empty file is
    none. Each file comes once, in the order asked for.
    """
    paths: dict[Path, None] = {}
    problems: list[InputProblem] = []
    for pattern in patterns:
        path = Path(pattern).expanduser()
        if path.is_dir():
            _take_directory(path, paths, problems)
        elif has_magic(pattern) and not path.exists():
            found = [Path(name) for name in sorted(glob(os.path.expanduser(pattern)))]
            if not any(item.is_file() for item in found):
                problems.append(
                    InputProblem(pattern, "no file matches", "check the pattern and its quotes")
                )
            for item in found:
                if not item.is_dir():
                    _take_file(item, paths, problems)
        else:
            _take_file(path, paths, problems)
    return list(paths), problems


def _take_directory(directory: Path, paths: dict[Path, None], problems: list[InputProblem]) -> None:
    try:
        entries = sorted(directory.iterdir())
    except PermissionError:
        problems.append(_no_permission(directory))
        return
    taken = 0
    for entry in entries:
        hidden = entry.name.startswith(".") or _is_archive(entry) or _is_document(entry)
        if entry.is_file() and not hidden:
            found: list[InputProblem] = []
            _take_file(entry, paths, found)
            taken += not found
            problems += [p for p in found if "binary" not in p.problem]
    if not taken:
        problems.append(
            InputProblem(
                str(directory), "no log file in this directory", "name the files themselves"
            )
        )


def _is_document(path: Path) -> bool:
    """A settings file or source code that lies beside logs: nobody meant it by the directory."""
    if path.suffix.lower() in _DOCUMENTS:
        return True
    if path.suffix.lower() != ".json":
        return False
    try:
        with path.open("rb") as file:
            first = file.readline(SAMPLE).strip()
    except OSError:
        return False
    return not (first.startswith(b"{") and first.endswith(b"}"))


def _take_file(path: Path, paths: dict[Path, None], problems: list[InputProblem]) -> None:
    problem = _problem_of(path)
    if problem is None:
        # a source is the same file tomorrow, whatever folder we are called from then
        paths.setdefault(Path(os.path.abspath(path)))
    else:
        problems.append(problem)


def _problem_of(path: Path) -> InputProblem | None:  # noqa: PLR0911 - one return a problem
    name = str(path)
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            return InputProblem(name, "is not a regular file", "pipe it in instead: aiops ingest -")
        with path.open("rb") as file:
            sample = file.read(SAMPLE)
    except FileNotFoundError:
        return InputProblem(name, "there is no such file", "check the path")
    except PermissionError:
        return _no_permission(path)
    except OSError as error:
        return InputProblem(name, error.strerror or "cannot be read", "check the file")
    if _is_archive(path):
        return InputProblem(name, "is an archive", "unpack it first and name the unpacked files")
    if sample.startswith(GZIP):
        return _problem_of_archive(path, status.st_size)
    if is_binary(sample):
        return InputProblem(name, "is a binary file, not a log", "name text files only")
    return None


def _problem_of_archive(path: Path, size: int) -> InputProblem | None:
    try:
        with path.open("rb") as file:
            unpacked = unpack(os.dup(file.fileno()), size)
            sample = unpacked.read(SAMPLE)
            unpacked.close()
    except UnpackingError as error:
        return InputProblem(str(path), str(error), "unpack it yourself and look at it first")
    if is_binary(sample):
        return InputProblem(str(path), "holds a binary file, not a log", "name text files only")
    return None


def is_binary(sample: bytes) -> bool:
    """Whether bytes are no text: many NULs or control characters; UTF-16 with BOM is text."""
    if not sample or sample[:2] in _UTF16:
        return False
    controls = len(sample) - len(sample.translate(None, bytes([*range(7), *range(14, 27), 28, 29])))
    return controls * 20 > len(sample)


def _is_archive(path: Path) -> bool:
    return path.name.lower().endswith(_ARCHIVES)


def _no_permission(path: Path) -> InputProblem:
    return InputProblem(str(path), "no permission to read it", "run as a user who may, or use sudo")


def _fingerprint(head: bytes) -> str:
    return sha256(head).hexdigest()


__all__ = ["MAX_LINE", "Batch", "FileTail", "InputProblem", "expand", "is_binary"]
