"""Syslog over UDP, TCP and TLS: from Python, `logger` and rsyslogd, and from somebody hostile."""

import datetime
import json
import logging
import logging.handlers
import os
import shutil
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from application.chunk_reading import ChunkReader
from application.chunking import Chunk
from application.event_log import read_all
from application.intake import DEFAULT_CAPACITY, Origin
from domain.logs.record import ERROR, INFO, WARN, LogRecord
from domain.logs.source import RecordsAppended, RecordsShed
from domain.logs.source_names import MAX_SOURCES
from infrastructure.collectors.syslog import SyslogSources
from infrastructure.collectors.syslog_listener import (
    INBOX_BYTES,
    SyslogAddress,
    SyslogListener,
    SyslogUnusable,
)
from infrastructure.composition import open_write_side

PATIENCE = 60.0
"""Seconds until something that takes well under one counts as never happening."""


class Listening:
    """A listener on free ports in front of a real store."""

    def __init__(
        self,
        data: Path,
        *addresses: str,
        certificate: Path | None = None,
        writing: bool = True,
        most_sources: int = MAX_SOURCES,
    ) -> None:
        self.side = open_write_side(data)
        if writing:
            self.side.start_writer()
        self.told: list[str] = []
        self.listener = SyslogListener(
            [SyslogAddress.parse(address) for address in addresses],
            SyslogSources(
                self.side.intake, self.side.formats, self.side.recording.known, most_sources
            ),
            certificate=certificate,
            tell=self.told.append,
        )
        self.ports = [address.port for address in self.listener.addresses]
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self.listener.run, args=(self._stop,))
        self._thread.start()

    def records(self) -> dict[str, list[LogRecord]]:
        """Every durable record by source, in order."""
        found: dict[str, list[LogRecord]] = {}
        reader = ChunkReader(self.side.codec)
        for recorded in read_all(self.side.log, topics=[RecordsAppended]):
            if isinstance(recorded.event, RecordsAppended):
                stored = reader.records(recorded.event)
                found.setdefault(recorded.event.source, []).extend(s.record for s in stored)
        return found

    def wait_for(self, count: int) -> dict[str, list[LogRecord]]:
        """The records once there are so many."""
        until(lambda: sum(map(len, self.records().values())) >= count)
        return self.records()

    def end(self) -> None:
        """Stop listening; the store stays open."""
        self._stop.set()
        self._thread.join(PATIENCE)

    def close(self) -> None:
        """Stop listening and close the store."""
        self.end()
        self.side.close()


def until(condition: Callable[[], bool]) -> None:
    """Wait; fail after a time no machine needs."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.02)


@pytest.fixture
def listening(tmp_path: Path) -> Iterator[Listening]:
    listening = Listening(tmp_path / "data", "udp://127.0.0.1:0", "tcp://127.0.0.1:0")
    yield listening
    listening.close()


def udp(port: int, *datagrams: bytes) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for datagram in datagrams:
            sender.sendto(datagram, ("127.0.0.1", port))


def tcp(port: int, *pieces: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port)) as sender:
        for piece in pieces:
            sender.sendall(piece)


@pytest.mark.parametrize("kind", [socket.SOCK_DGRAM, socket.SOCK_STREAM])
def test_pythons_handler_is_understood(listening: Listening, kind: socket.SocketKind) -> None:
    """SysLogHandler sends no time, no host, and NUL at the end; a traceback stays one record."""
    port = listening.ports[0 if kind == socket.SOCK_DGRAM else 1]
    handler = logging.handlers.SysLogHandler(("127.0.0.1", port), socktype=kind)
    handler.ident = "basket: "
    logger = logging.getLogger(f"syslog.{kind}")
    logger.propagate = False
    logger.addHandler(handler)
    try:
        raise OSError(28, "No space left on device")
    except OSError:
        logger.exception("cannot save")
    logger.warning("going on")
    logger.removeHandler(handler)
    handler.close()
    failed, after = listening.wait_for(2)["syslog-127.0.0.1-basket"]
    assert failed.body.startswith("cannot save")
    assert failed.severity_number == ERROR
    assert failed.attributes["exception.type"] == "OSError"
    assert failed.service == after.service == "basket"
    assert (after.body, after.severity_number) == ("going on", WARN)


def _is_missing(program: str) -> bool:
    """Whether a person's machine lacks it; CI installs it and must not leave the test out."""
    return not shutil.which(program) and not os.environ.get("CI")


@pytest.mark.skipif(_is_missing("logger"), reason="util-linux's logger is not installed")
@pytest.mark.parametrize(
    "options",
    [
        ["--udp", "--rfc3164"],
        ["--udp", "--rfc5424"],
        ["--tcp", "--rfc3164"],
        ["--tcp", "--rfc5424"],
        ["--tcp", "--rfc5424", "--octet-count"],
    ],
    ids=" ".join,
)
def test_logger_is_understood(listening: Listening, options: list[str]) -> None:
    """util-linux's logger, both protocols, both RFCs, both framings."""
    port = listening.ports[0 if "--udp" in options else 1]
    for priority, text in (("daemon.err", "disk failing: sda"), ("daemon.info", "bye")):
        subprocess.run(
            ["logger", "-n127.0.0.1", f"-P{port}", "-tsmartd", f"-p{priority}", *options, text],
            check=True,
            timeout=PATIENCE,
        )
    ((source, records),) = listening.wait_for(2).items()
    # each call is a connection of its own, and nobody promises an order over connections
    failing, bye = sorted(records, key=lambda record: -record.severity_number)
    assert source.startswith("syslog-")
    assert source.endswith("-smartd")
    assert (failing.body, failing.severity_number) == ("disk failing: sda", ERROR)
    assert (bye.body, bye.severity_number) == ("bye", INFO)
    assert failing.service == "smartd"
    assert failing.attributes["host.name"]
    assert failing.timestamp is not None


@pytest.mark.skipif(_is_missing("rsyslogd"), reason="rsyslogd is not installed")
@pytest.mark.parametrize("framing", ["octet-counted", "traditional", "udp"])
def test_rsyslogd_forwards_to_us(listening: Listening, tmp_path: Path, framing: str) -> None:
    """omfwd's messages keep order, host, program and line breaks (which it escapes as #012)."""
    inbox = tmp_path / "in.sock"
    protocol, port = (
        ("udp", listening.ports[0]) if framing == "udp" else ("tcp", listening.ports[1])
    )
    framed = "" if framing == "udp" else f'TCP_Framing="{framing}"'
    configuration = tmp_path / "rsyslog.conf"
    configuration.write_text(
        'module(load="imuxsock" SysSock.Use="off")\n'
        f'input(type="imuxsock" Socket="{inbox}" UseSysTimeStamp="off")\n'
        f'action(type="omfwd" Target="127.0.0.1" Port="{port}" Protocol="{protocol}" {framed}\n'
        '       Template="RSYSLOG_SyslogProtocol23Format")\n'
    )
    daemon = subprocess.Popen(
        ["rsyslogd", "-n", "-f", str(configuration), "-i", str(tmp_path / "pid")],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        until(inbox.exists)
        handler = logging.handlers.SysLogHandler(str(inbox))
        handler.ident = "payments[77]: "
        logger = logging.getLogger(f"rsyslog.{framing}")
        logger.propagate = False
        logger.addHandler(handler)
        for n in range(50):
            logger.error("payment %d refused", n)
        try:
            raise ConnectionRefusedError("db:5432")
        except ConnectionRefusedError:
            logger.exception("gone")
        handler.close()
        records = listening.wait_for(51)
    finally:
        daemon.terminate()
        daemon.wait(PATIENCE)
    (source,) = [name for name in records if name.endswith("-payments")]
    *refused, gone = records[source]
    assert [record.body for record in refused] == [f"payment {n} refused" for n in range(50)]
    assert {record.service for record in refused} == {"payments"}
    assert gone.attributes["exception.type"] == "ConnectionRefusedError"


def certificate(directory: Path) -> Path:
    """A certificate for localhost with its key, in one PEM file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = directory / "tls.pem"
    file.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return file


def test_tls_is_taken_and_plain_text_on_it_is_not(tmp_path: Path) -> None:
    """A client that checks our certificate gets through; one without TLS only costs itself."""
    pem = certificate(tmp_path)
    listening = Listening(tmp_path / "data", "tls://127.0.0.1:0", certificate=pem)
    tcp(listening.ports[0], b"<11>plain: in the clear\n")
    context = ssl.create_default_context(cafile=pem)
    with (
        socket.create_connection(("127.0.0.1", listening.ports[0])) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as sender,
    ):
        message = b"<11>1 2026-11-23T12:00:00Z web1 vault 7 - - sealed"
        sender.sendall(b"%d %s" % (len(message), message))
    records = listening.wait_for(1)
    listening.close()
    assert [record.body for record in records.pop("syslog-web1-vault")] == ["sealed"]
    assert not records
    assert any("tls://" in told for told in listening.told)


def test_tls_without_a_usable_certificate_does_not_start(tmp_path: Path) -> None:
    """The message names the setting or the file."""
    with pytest.raises(SyslogUnusable, match="AIOPS_SYSLOG_CERTIFICATE"):
        Listening(tmp_path / "a", "tls://127.0.0.1:0")
    (tmp_path / "not.pem").write_text("no certificate")
    with pytest.raises(SyslogUnusable, match=r"not\.pem"):
        Listening(tmp_path / "b", "tls://127.0.0.1:0", certificate=tmp_path / "not.pem")


@pytest.mark.parametrize(
    "address", ["127.0.0.1:5514", "udp://127.0.0.1", "http://127.0.0.1:1", "tcp://h:99999", ""]
)
def test_a_wrong_address_is_named(address: str) -> None:
    """And the message shows how to write one."""
    with pytest.raises(SyslogUnusable, match="udp://HOST:PORT"):
        SyslogAddress.parse(address)


def test_a_taken_port_is_named(listening: Listening, tmp_path: Path) -> None:
    """Nothing starts half."""
    with pytest.raises(SyslogUnusable, match=str(listening.ports[1])):
        Listening(tmp_path / "other", f"tcp://127.0.0.1:{listening.ports[1]}")


def test_each_host_and_program_is_a_source_and_their_number_is_bounded(tmp_path: Path) -> None:
    """Names cannot leave the source list; what is too many shares one source."""
    listening = Listening(tmp_path / "data", "tcp://127.0.0.1:0", most_sources=20)
    head = "<11>1 2026-11-23T12:00:00Z"
    messages = [f"{head} ../../etc/h{n} app\x1b[31m{n} - - - m{n}\n".encode() for n in range(60)]
    tcp(listening.ports[0], *messages)
    records = listening.wait_for(60)
    listening.close()
    assert len(records) == 21
    assert len(records["syslog-other"]) == 40
    assert all("/" not in name and ".." not in name and "\x1b" not in name for name in records)


def test_records_go_on_after_a_restart(tmp_path: Path) -> None:
    """Line numbers of a source continue where the last run stopped."""
    for n in range(2):
        listening = Listening(tmp_path / "data", "tcp://127.0.0.1:0")
        tcp(listening.ports[0], b"<11>1 2026-11-23T12:00:00Z web1 app - - - a\n" * 3)
        records = listening.wait_for(3 * (n + 1))
        listening.close()
    assert [record.line for record in records["syslog-web1-app"]] == [1, 2, 3, 4, 5, 6]


def test_what_was_received_is_recorded_when_we_stop(tmp_path: Path) -> None:
    """Stopping right after the last message loses none of those read."""
    listening = Listening(tmp_path / "data", "tcp://127.0.0.1:0")
    tcp(listening.ports[0], b"<11>1 2026-11-23T12:00:00Z web1 app - - - a\n" * 10)
    until(lambda: bool(listening.records()) or listening.side.intake.waiting_bytes == 0)
    time.sleep(0.2)  # read, not yet flushed
    listening.end()
    assert sum(map(len, listening.records().values())) == 10
    listening.side.close()


def test_secrets_are_redacted(listening: Listening) -> None:
    """As everywhere: before anything is recorded."""
    tcp(listening.ports[1], b"<11>1 2026-11-23T12:00:00Z web1 app - - - password=hunter2secret\n")
    (records,) = listening.wait_for(1).values()
    assert "hunter2secret" not in repr(records)
    assert "[REDACTED:password]" in records[0].body


def test_a_huge_message_is_cut_and_its_neighbour_is_not(listening: Listening) -> None:
    """In either framing; what was cut is counted."""
    head = b"<11>1 2026-11-23T12:00:00Z web1 app - - - "
    huge = head + b"x" * (5 << 20)
    tcp(listening.ports[1], b"%d " % len(huge), huge, huge, b"\n", head + b"next\n")
    first, second, after = listening.wait_for(3)["syslog-web1-app"]
    for record in (first, second):
        assert len(record.body) <= 256 * 1024
        assert record.attributes["log.record.truncated_bytes"] > 4 << 20
    assert after.body == "next"


def test_while_nothing_can_be_written_tcp_is_not_read(tmp_path: Path) -> None:
    """The sender is held back, our memory is bounded, and nothing is lost."""
    listening = Listening(tmp_path / "data", "tcp://127.0.0.1:0", writing=False)
    listening.side.intake.submit(
        Origin("big", "api", "test"), Chunk([LogRecord("x", 1)], size=DEFAULT_CAPACITY)
    )
    count = 3 * INBOX_BYTES // 8000
    line = b"<11>1 2026-11-23T12:00:00Z web1 app - - - %06d " + b"y" * 7900 + b"\n"
    sender = threading.Thread(
        target=tcp, args=(listening.ports[0], *(line % n for n in range(count)))
    )
    sender.start()
    sender.join(2.0)
    assert sender.is_alive()  # held back: we do not read on
    listening.side.start_writer()
    sender.join(PATIENCE)
    until(lambda: len(listening.side.recording.counts()) > 1)
    until(lambda: listening.side.recording.counts().get("syslog-web1-app", 0) == count)
    listening.close()


def test_datagrams_that_find_no_room_are_counted(tmp_path: Path) -> None:
    """Received and recorded as lost together are what was sent; the loss is a fact and told."""
    listening = Listening(tmp_path / "data", "udp://127.0.0.1:0", writing=False)
    listening.side.intake.submit(
        Origin("big", "api", "test"), Chunk([LogRecord("x", 1)], size=DEFAULT_CAPACITY)
    )
    count = 3 * INBOX_BYTES // 8000
    message = b"<11>1 2026-11-23T12:00:00Z web1 app - - - " + b"y" * 7900
    for _ in range(count):
        udp(listening.ports[0], message)
        time.sleep(0)
    listening.side.start_writer()

    def lost() -> int:
        found = read_all(listening.side.log, topics=[RecordsShed])
        return sum(r.event.count for r in found if isinstance(r.event, RecordsShed))

    def taken() -> int:
        return listening.side.recording.counts().get("syslog-web1-app", 0)

    until(lambda: lost() > 0 and taken() > 0)
    # the kernel tells how many it dropped with the next datagram that it hands over
    probed = 0.0

    def all_accounted_for() -> bool:
        nonlocal probed
        if time.monotonic() - probed > 3.0:
            probed = time.monotonic()
            udp(listening.ports[0], message)
        return lost() + taken() >= count

    until(all_accounted_for)
    listening.close()
    assert any("were lost" in told for told in listening.told)


def test_aiops_up_takes_syslog(tmp_path: Path) -> None:
    """The option opens the address, and what is sent there is searched like any log."""
    program = "from interfaces.cli.main import main; main()"
    command = [sys.executable, "-c", program, "up", "--json", "--no-dashboard", "--port", "0"]
    command += ["--syslog", "tcp://127.0.0.1:0"]
    process = subprocess.Popen(
        [*command, "--data", str(tmp_path / "data"), "--syslog", "udp://127.0.0.1:0"],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    try:
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        for address, send in zip(told["syslog"], (tcp, udp), strict=True):
            send(int(address.rpartition(":")[2]), b"<11>1 2026-11-23T12:00:00Z w a - - - here\n")

        def found() -> int:
            answer = httpx.get(
                f"{told['api']}/api/v1/records", params={"source": "syslog-w-a"}, timeout=60
            )
            return len(answer.json()["items"])

        until(lambda: found() == 2)
    finally:
        process.terminate()
        process.wait(PATIENCE)
