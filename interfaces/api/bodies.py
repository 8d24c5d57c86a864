"""The body of POST /api/v1/logs: bounded, unpacked, cut into lines. Every byte is a stranger's."""

import json
import zlib
from collections.abc import AsyncIterator, Iterator
from typing import Any

from interfaces.api.problems import ProblemRaised, bad_request

MAX_BODY_BYTES = 16 << 20
"""Largest body, as sent and as unpacked: a small gzip file can hold gigabytes."""


def too_large() -> ProblemRaised:
    """413 for a body over the limit."""
    return ProblemRaised(
        413,
        "body-too-large",
        "The body is too large",
        f"a body may have {MAX_BODY_BYTES >> 20} MiB (unpacked); send the rest in another request",
    )


async def read_body(stream: AsyncIterator[bytes], encoding: str) -> bytes:
    """The whole unpacked body. Raises ProblemRaised (400, 413, 415)."""
    encoding = encoding.strip().lower()
    if encoding not in ("", "identity", "gzip", "x-gzip"):
        raise ProblemRaised(
            415,
            "unknown-encoding",
            "The body's encoding is not known",
            f"Content-Encoding {encoding[:40]!r} is not known; send gzip or no encoding",
            {"Accept-Encoding": "gzip"},
        )
    gunzip = Gunzip() if encoding.endswith("gzip") else None
    parts: list[bytes] = []
    sent = unpacked = 0
    async for chunk in stream:
        sent += len(chunk)
        part = chunk if gunzip is None else gunzip.feed(chunk, MAX_BODY_BYTES + 1 - unpacked)
        unpacked += len(part)
        if max(sent, unpacked) > MAX_BODY_BYTES:
            raise too_large()
        parts.append(part)
    if gunzip is not None:
        gunzip.finish()
    return b"".join(parts)


class Gunzip:
    """Unpacks gzip (RFC 1952, several members too) as it arrives, never more than asked for."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(wbits=31)
        self._begun = False

    def feed(self, data: bytes, most: int) -> bytes:
        """Up to `most` unpacked bytes of `data`. Raises ProblemRaised (400)."""
        parts: list[bytes] = []
        try:
            while data and most > 0:
                self._begun = True
                part = self._member.decompress(data, most)
                parts.append(part)
                most -= len(part)
                data = self._member.unused_data
                if self._member.eof:
                    self._member = zlib.decompressobj(wbits=31)
                    self._begun = bool(data)
        except zlib.error as error:
            raise broken_gzip(str(error)) from error
        return b"".join(parts)

    def finish(self) -> None:
        """Raises ProblemRaised (400) when the last member was cut off."""
        if self._begun:
            raise broken_gzip("it ends in the middle")


def broken_gzip(reason: str) -> ProblemRaised:
    """400 for a body that says gzip and is not."""
    return bad_request(
        "broken-gzip",
        "The body is not gzip",
        f"the body says Content-Encoding: gzip, but cannot be unpacked: {reason}; send it again",
    )


def lines_of(body: bytes, content_type: str) -> Iterator[str]:
    """The log lines in a body. Raises ProblemRaised (400, 415) before the first line.

    NDJSON and text go line by line as they stand: a broken JSON line is kept as text by the parser.
    A JSON array gives one line an element: objects as JSON, strings as their text.
    """
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "application/json":
        return iter(_elements(body))
    if kind in ("application/x-ndjson", "application/jsonl", "application/ndjson", "text/plain"):
        return _physical_lines(body.decode("utf-8", "backslashreplace"))
    raise ProblemRaised(
        415,
        "unknown-body",
        "The body is of a kind that is not known",
        f"Content-Type {kind[:60]!r} is not known; send application/x-ndjson, application/json "
        "(an array) or text/plain",
    )


def _physical_lines(text: str) -> Iterator[str]:
    # Not str.splitlines: that also cuts at U+2028, form feeds and other characters inside a line.
    lines = text.split("\n")
    if lines and not lines[-1]:
        lines.pop()
    return (line.removesuffix("\r") for line in lines)


def _elements(body: bytes) -> list[str]:
    try:
        data = json.loads(body.decode("utf-8", "backslashreplace"))
    except (ValueError, RecursionError) as error:
        raise bad_request(
            "broken-json",
            "The body is not JSON",
            f"the body is no JSON array: {error}; lines of JSON go as application/x-ndjson, "
            "which also takes broken ones",
        ) from error
    elements = data if isinstance(data, list) else [data]
    return [line for element in elements for line in _element_lines(element)]


def _element_lines(element: Any) -> list[str]:
    if isinstance(element, str):
        return list(_physical_lines(element)) or [""]
    return [json.dumps(element, separators=(",", ":"))]
