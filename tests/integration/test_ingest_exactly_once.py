"""Each line is recorded once and in order, whatever happens to the process and to the file."""

import json
import random
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from application.event_log import read_all
from domain.logs.source import RecordsAppended
from infrastructure.event_store.chunks import ZstdChunkCodec
from infrastructure.event_store.sqlite_log import SqliteEventLog
from tests.e2e.command_line import CommandLine

LINES = 200_000
PATIENCE = 60.0
"""Seconds until something that takes well under one counts as never happening."""


@pytest.fixture
def aiops(tmp_path: Path) -> Iterator[CommandLine]:
    aiops = CommandLine(tmp_path)
    yield aiops
    aiops.end()


def mixed_lines(count: int) -> Iterator[str]:
    """Several formats in one file, stack traces of several lines, and lines without a header."""
    chance = random.Random(7)
    n = 0
    while n < count:
        at = f"2026-03-04 {10 + n // 36_000 % 12:02d}:{n // 600 % 60:02d}:{n // 10 % 60:02d}"
        kind = chance.random()
        if kind < 0.70:
            block = [f"{at},{n % 1000:03d} INFO shop.basket item {n} put in basket {n % 977}"]
        elif kind < 0.85:
            block = [
                f'{{"time":"{at.replace(" ", "T")}Z","level":"info","msg":"paid","order":{n}}}'
            ]
        elif kind < 0.95:
            block = [f'10.0.0.{n % 250} - - [04/Mar/2026:10:00:00 +0000] "GET /{n} HTTP/1.1" 200 7']
        else:
            block = [
                f"{at},{n % 1000:03d} WARN shop.basket slow item {n}",
                "Traceback (most recent call last):",
                *(
                    f'  File "/srv/shop/step{k}.py", line {n % 90}, in step{k}'
                    for k in range(n % 6)
                ),
                f"TimeoutError: item {n}",
            ]
        yield from block
        n += len(block)


def originals(data: Path, source: str) -> list[str]:
    """The physical lines that the store holds of a source, in the order of its sequence."""
    log = SqliteEventLog(data / "events.db")
    lines: list[str] = []
    expected = 1
    try:
        for recorded in read_all(log, topics=[RecordsAppended]):
            event = recorded.event
            assert isinstance(event, RecordsAppended)
            if event.source != source:
                continue
            for stored in ZstdChunkCodec().unpack(event):
                assert stored.ref.sequence == expected
                expected += 1
                lines += stored.record.original.split("\n")
        return lines
    finally:
        log.close()


def until(condition: Callable[[], bool]) -> None:
    """Wait for something another process does."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.05)


def recorded(data: Path) -> int:
    """Records in the store, read beside the process that writes it."""
    import sqlite3

    if not (data / "events.db").exists():
        return 0
    connection = sqlite3.connect(f"file:{data / 'events.db'}?mode=ro", uri=True, timeout=10)
    try:
        found = connection.execute(
            "SELECT COUNT(*) FROM stored_events WHERE topic LIKE '%RecordsAppended'"
        ).fetchone()
        return int(found[0])
    except sqlite3.OperationalError:
        return 0  # the table is not made yet
    finally:
        connection.close()


def stop(process: "subprocess.Popen[bytes]", number: int = signal.SIGINT) -> tuple[bytes, bytes]:
    """End a process as a user or the system would."""
    process.send_signal(number)
    return process.communicate(timeout=PATIENCE)


def test_a_file_is_recorded_once_however_often_the_process_is_killed(aiops: CommandLine) -> None:
    """SIGKILL at random moments of a 200,000-line file; every start goes on where it stopped."""
    log = aiops.folder / "shop.log"
    lines = list(mixed_lines(LINES))
    log.write_text("\n".join(lines) + "\n")
    chance = random.Random()
    kills = 0
    for _ in range(4):
        before = recorded(aiops.data)
        process = aiops.start(
            "ingest", log, "--data", aiops.data, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        enough = before + chance.randint(1, 40)
        until(lambda: recorded(aiops.data) >= enough or process.poll() is not None)  # noqa: B023
        kills += process.poll() is None
        _, said = stop(process, signal.SIGKILL)
        assert b"Traceback" not in said, said
    assert kills
    ran = aiops("ingest", log, "--data", aiops.data, "--json")
    assert ran.code == 0, ran.err
    assert originals(aiops.data, "shop.log") == lines
    verified = aiops("verify", "--data", aiops.data, "--json").json
    assert verified["ok"] is True, verified["problems"]
    assert verified["sources"] == ran.json["sources"]


def test_what_a_file_gained_is_read_and_nothing_twice(aiops: CommandLine) -> None:
    """Growth, a rename and a new file between runs."""
    log = aiops.folder / "shop.log"
    lines = list(mixed_lines(3_000))
    written = "".join(f"{line}\n" for line in lines)
    cuts = (0, len(written) // 3, len(written) // 2, len(written))
    ends = [written.rfind("\n", 0, cut) + 1 for cut in cuts]
    for begin, whole in pairwise(ends):
        with log.open("a") as file:
            file.write(written[begin:whole])
        assert aiops("ingest", log, "--data", aiops.data).code == 0
        assert originals(aiops.data, "shop.log") == written[:whole].split("\n")[:-1]
    log.rename(aiops.folder / "shop.log.1")
    with (aiops.folder / "shop.log.1").open("a") as file:
        file.write("2026-03-04 23:00:00,000 INFO shop.basket the last line of the old file\n")
    log.write_text("2026-03-04 23:00:01,000 INFO shop.basket the first line of the new file\n")
    assert aiops("ingest", log, "--data", aiops.data).code == 0
    found = originals(aiops.data, "shop.log")
    assert found[: len(lines)] == lines
    assert [line.partition("basket ")[2] for line in found[len(lines) :]] == [
        "the last line of the old file",
        "the first line of the new file",
    ]
    assert aiops("ingest", log, "--data", aiops.data, "--json").json["records"] == 0


def test_a_followed_file_may_rotate_and_be_followed_by_another_kind_of_run(
    aiops: CommandLine,
) -> None:
    """`ingest --follow`, then `up --watch`, then `ingest`: one checkpoint for all."""
    log = aiops.folder / "shop.log"
    told: list[str] = []

    def tell(count: int) -> None:
        with log.open("a") as file:
            for _ in range(count):
                told.append(f"2026-03-04 10:00:{len(told) % 60:02d} INFO basket item {len(told)}")
                file.write(told[-1] + "\n")
                file.flush()

    tell(50)
    # the glob also means what the rotation leaves behind
    process = aiops.start("ingest", f"{log}*", "--follow", "--data", aiops.data, "--json")
    until(lambda: recorded(aiops.data) > 0)
    tell(30)
    log.rename(aiops.folder / "shop.log.1")
    tell(20)
    until(lambda: b"item 99" in _stored_bytes(aiops))
    time.sleep(3)  # the folder is searched for new files every other second
    out, _ = stop(process, signal.SIGTERM)
    assert json.loads(out)["sources"] == {"shop.log": 100}
    assert originals(aiops.data, "shop.log") == told
    tell(10)
    process = aiops.start(
        "up", "--watch", log, "--data", aiops.data, "--port", "0", "--no-dashboard", "--json"
    )
    until(lambda: b"item 109" in _stored_bytes(aiops))
    tell(10)
    until(lambda: b"item 119" in _stored_bytes(aiops))
    stop(process)
    assert process.returncode == 0
    tell(10)
    assert aiops("ingest", log, "--data", aiops.data, "--json").json["records"] == 10
    assert originals(aiops.data, "shop.log") == told


def _stored_bytes(aiops: CommandLine) -> bytes:
    """The last lines in the store, while another process writes it."""
    if not recorded(aiops.data):
        return b""
    return "\n".join(originals(aiops.data, "shop.log")[-3:]).encode()
