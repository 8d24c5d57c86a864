"""Listens for syslog over UDP, TCP and TLS, and holds TCP senders back while there is no room."""

import socket
import ssl
import struct
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from infrastructure.collectors.syslog import Frame, FrameSplitter, Message, Sender, SyslogSources

MAX_CONNECTIONS = 256
"""Connections a listener serves at once; more are closed at once."""
INBOX_BYTES = 8 << 20
"""Text that may wait to be parsed, besides what waits in the intake."""

_BLOCK = 1 << 16
_POLL = 0.5
_GATHER_SECONDS = 0.05
_GATHER_BYTES = 256 * 1024
_HANDSHAKE_SECONDS = 10.0
_UDP_BUFFER = 8 << 20
_TELL_EVERY = 60.0
_RXQ_OVFL = 40
"""SO_RXQ_OVFL of Linux, which Python does not name: how many datagrams the kernel has dropped."""
_OVERHEAD = 128
"""Bytes an empty message is counted as, so that they cannot wait without end either."""

Tell = Callable[[str], None]


class SyslogUnusable(Exception):
    """An address cannot be listened on. The message says which, why and what to do."""


@dataclass(frozen=True, slots=True)
class SyslogAddress:
    """Where to listen. kind: udp, tcp or tls."""

    kind: str
    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.kind}://{host}:{self.port}"

    @classmethod
    def parse(cls, text: str) -> "SyslogAddress":
        """Read `udp://HOST:PORT`, tcp or tls. Raises SyslogUnusable."""
        try:
            parts = urlsplit(text.strip())
            kind, host, port = parts.scheme, parts.hostname, parts.port
        except ValueError:
            kind, host, port = "", None, None
        if kind not in ("udp", "tcp", "tls") or not host or port is None or parts.path:
            raise SyslogUnusable(
                f"{text[:80]!r} is no address for syslog (--syslog, AIOPS_SYSLOG); write "
                "udp://HOST:PORT, tcp://HOST:PORT or tls://HOST:PORT"
            )
        return cls(kind, host, port)


def tls_context(certificate: Path | None, key: Path | None) -> ssl.SSLContext:
    """What tls:// listeners prove themselves with. Raises SyslogUnusable."""
    if certificate is None:
        raise SyslogUnusable(
            "syslog over TLS needs a certificate: set AIOPS_SYSLOG_CERTIFICATE (a PEM file, with "
            "the key in it or in AIOPS_SYSLOG_KEY)"
        )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(certificate, key)
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        raise SyslogUnusable(
            f"the certificate {certificate} or its key {key or certificate} cannot be used: "
            f"{error}; both must be PEM files that belong together"
        ) from error
    return context


class _Inbox:
    """Messages between those who receive and the one who parses; bounded in bytes."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._messages: deque[Message] = deque()
        self._size = 0
        self._changed = threading.Condition()

    def put(self, messages: Sequence[Message], stop: threading.Event | None) -> int:
        """Put messages in; waits for room until `stop`, or not at all without it.

        Returns how many found no room.
        """
        with self._changed:
            for place, message in enumerate(messages):
                while self._size >= self._capacity:
                    if stop is None or stop.is_set():
                        return len(messages) - place
                    self._changed.wait(_POLL)
                self._messages.append(message)
                self._size += len(message.text) + _OVERHEAD
            self._changed.notify_all()
        return 0

    def gather(self, seconds: float) -> list[Message]:
        """What is there, and what comes in a moment more; nothing after `seconds` of nothing."""
        with self._changed:
            if not self._changed.wait_for(lambda: bool(self._messages), seconds):
                return []
            self._changed.wait_for(lambda: self._size >= _GATHER_BYTES, _GATHER_SECONDS)
            messages = list(self._messages)
            self._messages.clear()
            self._size = 0
            self._changed.notify_all()
        return messages


class SyslogListener:
    """Syslog on some addresses. `run` does the work until it is told to stop."""

    def __init__(
        self,
        addresses: Sequence[SyslogAddress],
        sources: SyslogSources,
        *,
        certificate: Path | None = None,
        key: Path | None = None,
        tell: Tell = lambda _: None,
    ) -> None:
        """Open every address at once. Raises SyslogUnusable, and then none stays open."""
        self._sources = sources
        self._tell = tell
        self._inbox = _Inbox(INBOX_BYTES)
        self._connections = threading.BoundedSemaphore(MAX_CONNECTIONS)
        self._refused_at = 0.0
        self._lost: dict[str, int] = {}
        self._lost_lock = threading.Lock()
        self._stopping = threading.Event()
        secure = any(address.kind == "tls" for address in addresses)
        self._tls = tls_context(certificate, key) if secure else None
        self._sockets: list[tuple[SyslogAddress, socket.socket]] = []
        try:
            for address in addresses:
                self._sockets.append(_open(address))
        except SyslogUnusable:
            self._close()
            raise

    @property
    def addresses(self) -> list[SyslogAddress]:
        """Where it listens, with the ports that were taken for 0."""
        return [address for address, _ in self._sockets]

    def run(self, stop: threading.Event) -> None:
        """Receive until `stop` is set; then hand in what was received and wait for the disk."""
        threads = [
            threading.Thread(
                target=self._receive if address.kind == "udp" else self._accept,
                args=(address, opened),
                name=str(address),
                daemon=True,
            )
            for address, opened in self._sockets
        ]
        for thread in threads:
            thread.start()
        try:
            while not stop.is_set():
                self._work()
            self._stopping.set()
            for thread in threads:
                thread.join()
            self._work()
            self._sources.finish()
        finally:
            self._stopping.set()
            self._close()

    def _work(self) -> None:
        messages = self._inbox.gather(_POLL / 2)
        if messages:
            self._sources.take(messages)
        self._sources.flush_idle()
        with self._lost_lock:
            lost, self._lost = self._lost, {}
        for location, count in lost.items():
            self._sources.lost(count, location)
            self._tell(f"syslog: {count} messages to {location} were lost: they came too fast")

    def _close(self) -> None:
        for _, opened in self._sockets:
            opened.close()

    # -- UDP ---------------------------------------------------------------------------------

    def _receive(self, address: SyslogAddress, opened: socket.socket) -> None:
        dropped_before = 0
        while not self._stopping.is_set():
            try:
                data, told, _, peer = opened.recvmsg(_BLOCK, socket.CMSG_SPACE(4))
            except TimeoutError:
                continue
            except OSError:
                return  # closed
            for level, kind, value in told:
                if level == socket.SOL_SOCKET and kind == _RXQ_OVFL:
                    dropped = struct.unpack("I", value[:4])[0]
                    self._lose(address, (dropped - dropped_before) & 0xFFFFFFFF)
                    dropped_before = dropped
            text = data.strip(b"\r\n\0")
            if text:  # each datagram is a message of its own, whatever came before it
                message = Sender(peer[0]).message(Frame(text))
                self._lose(address, self._inbox.put([message], None))

    def _lose(self, address: SyslogAddress, count: int) -> None:
        if count:
            with self._lost_lock:
                self._lost[str(address)] = self._lost.get(str(address), 0) + count

    # -- TCP and TLS -------------------------------------------------------------------------

    def _accept(self, address: SyslogAddress, opened: socket.socket) -> None:
        serving: list[threading.Thread] = []
        while not self._stopping.is_set():
            try:
                connection, peer = opened.accept()
            except TimeoutError:
                continue
            except OSError as error:
                if self._stopping.wait(_POLL):
                    break
                self._complain(f"{address} cannot accept: {error.strerror or error}")
                continue
            if not self._connections.acquire(blocking=False):
                connection.close()
                self._complain(
                    f"{address} serves {MAX_CONNECTIONS} connections; one more was closed"
                )
                continue
            thread = threading.Thread(
                target=self._serve, args=(address, connection, peer[0]), daemon=True
            )
            thread.start()
            serving = [*(other for other in serving if other.is_alive()), thread]
        for thread in serving:
            thread.join()

    def _serve(self, address: SyslogAddress, connection: socket.socket, peer: str) -> None:
        """Read one connection to its end. While there is no room nothing is read from it."""
        try:
            with self._secured(address, connection) as stream:
                stream.settimeout(_POLL)
                self._read(address, stream, Sender(peer))
        except OSError as error:  # a failed handshake too
            if address.kind == "tls":
                self._complain(f"{address}: {peer} failed: {error.strerror or error}")
        finally:
            self._connections.release()

    def _secured(self, address: SyslogAddress, connection: socket.socket) -> socket.socket:
        if address.kind != "tls" or self._tls is None:
            return connection
        connection.settimeout(_HANDSHAKE_SECONDS)
        try:
            return self._tls.wrap_socket(connection, server_side=True)
        except OSError:
            connection.close()
            raise

    def _read(self, address: SyslogAddress, stream: socket.socket, sender: Sender) -> None:
        splitter = FrameSplitter()

        def hand_on(frames: Sequence[Frame]) -> None:
            messages = [sender.message(frame) for frame in frames]
            self._lose(address, self._inbox.put(messages, self._stopping))

        while not self._stopping.is_set():
            try:
                block = stream.recv(_BLOCK)
            except TimeoutError:
                continue
            except ConnectionError:
                break
            if not block:
                break
            hand_on(splitter.feed(block))
        hand_on(splitter.rest())

    def _complain(self, text: str) -> None:
        """Tell, but not as often as somebody hostile can make us."""
        now = time.monotonic()
        if not self._refused_at or now - self._refused_at > _TELL_EVERY:
            self._refused_at = now
            self._tell(f"syslog: {text}")


def _open(address: SyslogAddress) -> tuple[SyslogAddress, socket.socket]:
    """A socket for an address. Raises SyslogUnusable."""
    kind = socket.SOCK_DGRAM if address.kind == "udp" else socket.SOCK_STREAM
    try:
        family, _, _, _, where = socket.getaddrinfo(address.host, address.port, type=kind)[0]
        opened = socket.socket(family, kind)
    except OSError as error:
        raise _unusable(address, error) from error
    try:
        if kind == socket.SOCK_STREAM:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            opened.bind(where)
            opened.listen(128)
        else:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _UDP_BUFFER)
            if sys.platform == "linux":
                with suppress(OSError):
                    opened.setsockopt(socket.SOL_SOCKET, _RXQ_OVFL, 1)
            opened.bind(where)
    except OSError as error:
        opened.close()
        raise _unusable(address, error) from error
    opened.settimeout(_POLL)
    return SyslogAddress(address.kind, address.host, opened.getsockname()[1]), opened


def _unusable(address: SyslogAddress, error: OSError) -> SyslogUnusable:
    remedy = "stop what listens there, or choose another port"
    if isinstance(error, PermissionError):
        remedy = "ports below 1024 are for root: choose another such as 5514"
    elif isinstance(error, socket.gaierror):
        remedy = "write an address of this machine, for example 127.0.0.1"
    return SyslogUnusable(
        f"cannot listen for syslog on {address}: {error.strerror or error}; {remedy}"
    )
