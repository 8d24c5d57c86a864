"""The generations of a rotated log: which files beside it were once that log, and in what order.

`app.log` becomes `app.log.1`, `app.log-20260304` or `app.log.2.gz`. A generation is known again by
its inode and first bytes where it was renamed, and by first bytes and length where it was copied
(copytruncate) or compressed.
"""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from domain.logs.source import Checkpoint
from infrastructure.collectors.archives import GZIP, UnpackingError, unpack

HEAD = 256
"""First bytes of a file whose hash tells it from another with the same inode."""

_HASH = 16
"""Hexadecimal digits of a head's hash that a checkpoint keeps of a file that is finished."""

_BLOCK = 1 << 20
FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0)  # a named pipe must not hang us

_ROTATED = re.compile(r"(.+?)(?:[.-](\d[\dT._-]*|old|bak)(?:\.gz)?|\.gz)")
"""What logrotate and its like make of a log's name."""


def fingerprint(head: bytes) -> str:
    """The hash of a file's first bytes."""
    return sha256(head).hexdigest()


def live_name(name: str) -> str:
    """The name a log had before rotation gave it this one; the name itself where none did."""
    match = _ROTATED.fullmatch(name)
    return match[1] if match else name


@dataclass(frozen=True, slots=True)
class Found:
    """A file as it lies there now. `modified`: ns since 1970; `text`: first bytes, unpacked."""

    path: Path
    device: int
    inode: int
    size: int
    modified: int
    head: bytes
    text: bytes

    @property
    def packed(self) -> bool:
        """Whether it is a gzip archive."""
        return self.head.startswith(GZIP)

    def length(self) -> int:
        """Bytes of text in it. Reads an archive through. Raises OSError."""
        if not self.packed:
            return self.size
        total = 0
        unpacked = unpack(os.open(self.path, FLAGS), self.size)
        try:
            while block := unpacked.read(_BLOCK):
                total += len(block)
        finally:
            unpacked.close()
        return total


def look(path: Path) -> Found | None:
    """The file at a path; None where there is none that can be read."""
    try:
        descriptor = os.open(path, FLAGS)
    except OSError:
        return None
    try:
        status = os.fstat(descriptor)
        head = text = os.pread(descriptor, HEAD, 0)
        if head.startswith(GZIP):
            unpacked = unpack(os.dup(descriptor), status.st_size)
            try:
                text = unpacked.read(HEAD)
            except UnpackingError:
                text = b""
            finally:
                unpacked.close()
    except OSError:
        return None
    finally:
        os.close(descriptor)
    return Found(path, status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, head, text)


@dataclass(frozen=True, slots=True)
class Identity:
    """What tells a file that was read from every other. `size`: bytes of text read of it."""

    device: int
    inode: int
    size: int
    head_bytes: int
    head: str

    def is_same(self, found: Found) -> bool:
        """It, perhaps renamed: same inode, same first bytes, nothing cut off."""
        return (
            (found.device, found.inode) == (self.device, self.inode)
            and self._begins(found.head)
            and (found.packed or found.size >= self.size)
        )

    def is_copied(self, found: Found, *, whole: bool) -> bool:
        """Its text in another file; `whole`: just as long, otherwise at least as long."""
        if not self.head_bytes or not self._begins(found.text):
            return False
        try:
            length = found.length()
        except OSError:
            return False
        return length == self.size if whole else length >= self.size

    def _begins(self, head: bytes) -> bool:
        known = fingerprint(head[: self.head_bytes])
        return len(head) >= self.head_bytes and known[:_HASH] == self.head[:_HASH]

    def noted(self) -> list[Any]:
        """As a checkpoint keeps it."""
        return [self.device, self.inode, self.size, self.head_bytes, self.head[:_HASH]]


def read_last(checkpoint: Checkpoint) -> Identity | None:
    """The file that a checkpoint stands in; None where it is not one of a file."""
    if checkpoint.get("kind") != "file":
        return None
    return Identity(
        int(checkpoint.get("device", -1)),
        int(checkpoint.get("inode", -1)),
        int(checkpoint.get("offset", 0)),
        int(checkpoint.get("head_bytes", HEAD)),
        str(checkpoint.get("head", "")),
    )


def read_before(checkpoint: Checkpoint) -> list[Identity]:
    """The files that were finished before that one, as far as they are remembered."""
    return [Identity(*entry) for entry in checkpoint.get("read", [])]


def family(path: Path) -> list[Found]:
    """The other generations of the log a path belongs to, oldest first."""
    name = live_name(path.name)
    try:
        entries = [
            entry
            for entry in path.parent.iterdir()
            if entry.name != path.name and live_name(entry.name) == name and entry.is_file()
        ]
    except OSError:
        return []
    return in_order([found for entry in entries if (found := look(entry)) is not None])


def in_order(generations: Sequence[Found]) -> list[Found]:
    """Oldest first: by number where all have one, else by the time of the last write."""
    if all(number_of(found.path.name) is not None for found in generations):
        return sorted(generations, key=lambda found: -(number_of(found.path.name) or 0))
    return sorted(generations, key=lambda found: (found.modified, found.path.name))


def number_of(name: str) -> int | None:
    """1 for `app.log.1`, 2 for `app.log.2.gz`; None for a date and the like."""
    match = _ROTATED.fullmatch(name)
    suffix = match[2] if match else None
    return int(suffix) if suffix and suffix.isdigit() and len(suffix) < 4 else None
