"""Compressed logs: read once, as a stream, and never more than a bounded amount."""

import gzip
import os
import zlib

GZIP = b"\x1f\x8b"
"""How a gzip file begins."""

MAX_RATIO = 200
"""Unpacked bytes a packed byte may become; real logs stay below 100, bombs reach 1,000."""

MAX_UNPACKED = 8 << 30
"""Unpacked bytes of one archive that are read."""

_SMALL = 1 << 20


class UnpackingError(OSError):
    """An archive that is broken, cut off, or unpacks to an absurd size."""


class Unpacked:
    """The text in a gzip file."""

    def __init__(self, descriptor: int, packed: int) -> None:
        self._raw = os.fdopen(descriptor, "rb")
        self._file = gzip.GzipFile(fileobj=self._raw)
        self._limit = min(MAX_UNPACKED, max(_SMALL, packed * MAX_RATIO))
        self._count = 0

    def read(self, size: int) -> bytes:
        """The next bytes, empty at the end. Raises UnpackingError."""
        try:
            block = self._file.read1(size)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise UnpackingError(f"the gzip archive is broken ({error})") from error
        self._count += len(block)
        if self._count > self._limit:
            raise UnpackingError(
                f"the gzip archive unpacks to more than {self._limit:,} bytes, which no log does"
            )
        return block

    def skip(self, count: int) -> None:
        """Go past bytes that were read before."""
        while count > 0:
            block = self.read(min(count, 1 << 20))
            if not block:
                return
            count -= len(block)

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()
        self._raw.close()


def unpack(descriptor: int, packed: int) -> Unpacked:
    """Open the gzip file behind a descriptor, from its beginning; packed: its size in bytes."""
    os.lseek(descriptor, 0, os.SEEK_SET)
    return Unpacked(descriptor, packed)
