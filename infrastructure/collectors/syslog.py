"""Syslog messages: cut out of a stream, given to their source, made into records.

Sources: RFC 5424 and RFC 3164 (messages), RFC 6587 (framing over TCP), RFC 5425 (TLS).
"""

import re
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, wait
from dataclasses import dataclass, field

from application.chunking import chunks
from application.intake import Intake, Origin
from domain.logs.formats import FormatCatalogue
from domain.logs.framing import Parsed, PhysicalLine
from domain.logs.parser import SourceParser
from domain.logs.source import Checkpoint, RecordsAppended
from domain.logs.source_names import MAX_SOURCES, SourceNames, source_name

KIND = "syslog"
MAX_MESSAGE = 256 * 1024
"""Bytes of one message that are kept; the rest is counted and let go."""

_IDLE_SECONDS = 0.7
"""A record that may still grow is taken as whole after this long without a new message."""
_FINISH_SECONDS = 10.0

_TIME = (
    r"(?:[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d(?:\.\d{1,9})?"
    r"|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:?\d\d)) "
)
_TAG = r"(?P<app>[A-Za-z_/][\w./@-]{0,47})(?:\([^)]{1,64}\))?(?:\[\d{1,10}\])?:(?: |$)"
_5424 = re.compile(r"<\d{1,3}>[1-9]\d? \S{1,40} (?P<host>\S{1,255}) (?P<app>\S{1,48}) ")
_3164 = re.compile(rf"<\d{{1,3}}>{_TIME}(?:(?P<host>[\w.:-]{{1,255}})(?<!:) )?{_TAG}")
_BARE = re.compile(rf"<\d{{1,3}}>(?=[a-z_][^:]*:|[^:]*\[\d){_TAG}")
_PRIORITY = re.compile(r"<\d{1,3}>")
_LENGTH = re.compile(rb"([1-9]\d{0,8}) (?=<)")
_MAYBE_LENGTH = re.compile(rb"[1-9]\d{0,8} ?")
_TRAILER = re.compile(rb"[\n\0]")
_ESCAPED_NEWLINE = re.compile(r"(?<=\S)#012")
"""How rsyslog writes a line break inside a message."""


@dataclass(slots=True, frozen=True)
class Frame:
    """One message's bytes. dropped: how many more it had than are kept."""

    data: bytes
    dropped: int = 0


@dataclass(slots=True, frozen=True)
class Message:
    """A message on its way to its source. joined: it goes on with the one before."""

    source: str
    text: str
    dropped: int = 0
    joined: bool = False


class FrameSplitter:
    """Cuts a byte stream into messages: counted octets or lines, whichever each message uses.

    Lines end with a newline or with NUL, as Python's SysLogHandler ends them. Memory is bounded
    by MAX_MESSAGE whatever length a sender announces.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._left = 0
        self._begun = False
        self._kept = bytearray()
        self._size = 0

    def feed(self, block: bytes) -> list[Frame]:
        """The messages this block completes."""
        self._buffer += block
        frames: list[Frame] = []
        while self._buffer:
            if not (self._left or self._begun or self._begin()):
                break
            done = self._take_counted() if self._left else self._take_line()
            if not done:
                break
            frames += self._finish()
        return frames

    def rest(self) -> list[Frame]:
        """The last message, which the end of the stream has cut off."""
        self._keep(bytes(self._buffer))
        self._buffer.clear()
        return self._finish()

    def _begin(self) -> bool:
        """Find out how the next message is framed; False while that cannot be told yet."""
        match = _LENGTH.match(self._buffer)
        if match is not None:
            self._left = int(match[1])
            del self._buffer[: match.end()]
        elif _MAYBE_LENGTH.fullmatch(self._buffer):
            return False
        else:
            self._begun = True
        return bool(self._buffer)

    def _take_counted(self) -> bool:
        piece = self._buffer[: self._left]
        self._keep(bytes(piece))
        del self._buffer[: len(piece)]
        self._left -= len(piece)
        return self._left == 0

    def _take_line(self) -> bool:
        match = _TRAILER.search(self._buffer)
        end = len(self._buffer) if match is None else match.start()
        self._keep(bytes(self._buffer[:end]))
        del self._buffer[: end if match is None else match.end()]
        return match is not None

    def _keep(self, piece: bytes) -> None:
        self._size += len(piece)
        room = MAX_MESSAGE - len(self._kept)
        if room > 0:
            self._kept += piece[:room]

    def _finish(self) -> list[Frame]:
        data = bytes(self._kept).strip(b"\r\n\0")
        dropped = self._size - len(self._kept)
        self._kept.clear()
        self._size, self._left, self._begun = 0, 0, False
        return [Frame(data, dropped)] if data else []


class Sender:
    """One peer: knows which source the next message belongs to."""

    def __init__(self, peer: str) -> None:
        """`peer`: its address, for messages that do not name their host."""
        self._peer = peer
        self._previous = source_name(KIND, peer)
        self._headed = False

    def message(self, frame: Frame) -> Message:
        """The message in a frame.

        A line without a priority, where others have one, is the next line of a message that holds
        line breaks: framing by lines cannot tell (RFC 6587 section 3.4.2).
        """
        text = frame.data.decode("utf-8", "backslashreplace")
        begins = _PRIORITY.match(text) is not None
        if begins:
            self._headed = True
            match = _5424.match(text) or _3164.match(text) or _BARE.match(text)
            found = match.groupdict() if match else {}
            host, app = (found.get(name) or "-" for name in ("host", "app"))
            host = self._peer if host == "-" else host
            self._previous = source_name(KIND, host, "" if app == "-" else app)
        return Message(self._previous, text, frame.dropped, self._headed and not begins)


@dataclass(slots=True)
class _Stream:
    """A source while messages come in."""

    origin: Origin
    parser: SourceParser
    line: int
    last: float = 0.0
    """When its last message came (monotonic); 0 where nothing is pending."""
    lines: list[PhysicalLine] = field(default_factory=list)


class SyslogSources:
    """Parses messages source by source and hands the records in. One thread uses it."""

    def __init__(
        self,
        intake: Intake,
        formats: FormatCatalogue,
        known: Callable[[str], tuple[str, Checkpoint]],
        most_sources: int = MAX_SOURCES,
    ) -> None:
        """`known`: location and checkpoint of a source, as Recording tells them."""
        self._intake = intake
        self._formats = formats
        self._known = known
        self._names = SourceNames(KIND, most_sources)
        self._streams: dict[str, _Stream] = {}
        self._handed_in: list[Future[RecordsAppended | None]] = []

    def take(self, messages: Iterable[Message]) -> None:
        """Hand in what these messages complete; waits until what came before is durable.

        Waiting is what holds senders back, and what makes the next chunks larger: a slow disk
        gets fewer and bigger commits.
        """
        touched: dict[str, _Stream] = {}
        for message in messages:
            stream = self._stream(message.source)
            stream.lines += _lines(message, stream.line)
            stream.line = stream.lines[-1].number
            touched[stream.origin.source] = stream
        wait(self._handed_in)
        self._handed_in.clear()
        now = time.monotonic()
        for stream in touched.values():
            parsed = stream.parser.feed(stream.lines, time.time_ns())
            stream.lines.clear()
            stream.last = now
            self._hand_in(stream, parsed)

    def flush_idle(self) -> None:
        """Finish the records of sources that have been quiet for a moment."""
        before = time.monotonic() - _IDLE_SECONDS
        for stream in self._streams.values():
            if 0 < stream.last < before:
                self._flush(stream)

    def finish(self) -> None:
        """Hand in everything that is left and wait for the disk."""
        for stream in self._streams.values():
            self._flush(stream)
        wait(self._handed_in, timeout=_FINISH_SECONDS)

    def lost(self, count: int, location: str) -> None:
        """Keep the fact that messages were lost because we could not keep up."""
        origin = Origin(f"{KIND}-lost", KIND, location)
        self._intake.note(origin, "shed", count, f"messages to {location} came too fast")

    def _flush(self, stream: _Stream) -> None:
        stream.last = 0.0
        self._hand_in(stream, stream.parser.flush(time.time_ns()))

    def _hand_in(self, stream: _Stream, parsed: list[Parsed]) -> None:
        for chunk in chunks(parsed, lambda end: {"kind": KIND, "line": end}):
            self._handed_in.append(self._intake.submit(stream.origin, chunk))

    def _stream(self, wanted: str) -> _Stream:
        name = wanted if wanted in self._streams else self._names.admit(wanted)
        stream = self._streams.get(name)
        if stream is None:
            line = int(self._known(name)[1].get("line", 0))
            stream = _Stream(Origin(name, KIND, KIND), SourceParser(name, self._formats), line)
            self._streams[name] = stream
        return stream


def _lines(message: Message, before: int) -> Iterator[PhysicalLine]:
    """The lines of a message; those after the first belong to the same record."""
    text = message.text
    if "#012" in text:
        text = _ESCAPED_NEWLINE.sub("\n", text).replace("#011", "\t")
    lines = text.split("\n")
    for n, line in enumerate(lines):
        number = before + n + 1
        dropped = message.dropped if n == len(lines) - 1 else 0
        yield PhysicalLine(number, line, number, dropped, joined=n > 0 or message.joined)
