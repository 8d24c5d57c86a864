"""Files followed into a real store through rotation, truncation, deletion and lost permission."""

import gzip
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from application.event_log import read_all
from domain.logs.parser import SourceParser
from domain.logs.source import CollectionFailed, CollectionResumed, RecordsAppended, RecordsRejected
from infrastructure.collectors import log_files, tail
from infrastructure.collectors.log_files import LogFiles
from infrastructure.composition import WriteSide, open_write_side

PATIENCE = 60.0


def line(text: str) -> str:
    return f"2026-03-04 09:00:00 INFO {text}\n"


@contextmanager
def opened(data: Path) -> Iterator[WriteSide]:
    data.mkdir(exist_ok=True)
    write_side = open_write_side(data)
    write_side.start_writer()
    try:
        yield write_side
    finally:
        write_side.close()


def bodies(write_side: WriteSide) -> dict[str, list[str]]:
    """What the store holds, by source."""
    found: dict[str, list[str]] = {}
    for recorded in read_all(write_side.log, topics=[RecordsAppended]):
        event = recorded.event
        assert isinstance(event, RecordsAppended)
        for stored in write_side.codec.unpack(event):
            text = stored.record.original.rpartition("INFO ")[2]
            found.setdefault(event.source, []).append(text)
    return found


def facts(write_side: WriteSide, topic: type) -> list[object]:
    return [recorded.event for recorded in read_all(write_side.log, topics=[topic])]


def ingest(data: Path, *patterns: Path | str) -> dict[str, list[str]]:
    """One run that reads to the end, as `aiops ingest` does; returns all that is stored then."""
    with opened(data) as write_side:
        files = write_side.log_files([str(pattern) for pattern in patterns])
        files.search()
        files.read_to_end()
        for collection in files.collections:
            collection.wait_until_durable()
        return bodies(write_side)


class Following:
    """Files that are being followed, as `aiops up --watch` does."""

    def __init__(self, write_side: WriteSide, *patterns: Path | str) -> None:
        self.write_side = write_side
        self.files: LogFiles = write_side.log_files([str(pattern) for pattern in patterns])
        self.files.search()
        self.told: list[str] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self.files.follow, args=(self._stop, self._tell))
        self._thread.start()

    def _tell(self, text: str) -> None:
        self.told.append(text)

    def until(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < deadline, (bodies(self.write_side), self.told)
            time.sleep(0.02)

    def until_stored(self, source: str, *texts: str) -> None:
        self.until(lambda: bodies(self.write_side).get(source) == list(texts))

    def rounds(self) -> None:
        """Long enough for folders to be searched for new files twice."""
        time.sleep(1.2)

    def end(self) -> None:
        self._stop.set()
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive()


@pytest.fixture(autouse=True)
def short_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a second of quiet is enough where nobody is slow on purpose."""
    monkeypatch.setattr(log_files, "QUIET", 0.5)
    monkeypatch.setattr(log_files, "_WAKE_MS", 50)


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    folder = tmp_path / "logs"
    folder.mkdir()
    return folder


@pytest.fixture
def write_side(tmp_path: Path) -> Iterator[WriteSide]:
    with opened(tmp_path / "data") as write_side:
        yield write_side


@contextmanager
def following(write_side: WriteSide, *patterns: Path | str) -> Iterator[Following]:
    running = Following(write_side, *patterns)
    try:
        yield running
    finally:
        running.end()


def test_what_a_writer_puts_into_the_renamed_file_comes_before_the_new_one(
    write_side: WriteSide, logs: Path
) -> None:
    """logrotate makes the new file first, and signals the writer then."""
    path = logs / "app.log"
    with path.open("a", buffering=1) as writer, following(write_side, path) as running:
        writer.write(line("one"))
        running.until_stored("app.log", "one")
        path.rename(logs / "app.log.1")
        path.write_text("")
        time.sleep(1)  # the writer is slow to notice
        writer.write(line("after the rename"))
        running.until_stored("app.log", "one", "after the rename")
        writer.write(line("last of the old file"))
        path.write_text(line("new"))
        running.until_stored("app.log", "one", "after the rename", "last of the old file", "new")


def test_a_renamed_file_is_left_only_after_it_was_quiet(tmp_path: Path) -> None:
    """By the clock, not by the number of looks."""
    now = [100.0]
    path = tmp_path / "app.log"
    with path.open("a", buffering=1) as writer:
        writer.write("one\n")
        reader = tail.FileTail(path, None, quiet=5.0, clock=lambda: now[0])
        assert reader.read() is not None
        path.rename(tmp_path / "app.log.1")
        path.write_text("new\n")
        now[0] += 4.9
        assert reader.read() is None
        writer.write("late\n")
        late = reader.read()
        now[0] += 4.9
        assert reader.read() is None
        now[0] += 0.2
        new = reader.read()
    assert late is not None
    assert new is not None
    assert [x.text for batch in (late, new) for x in batch.lines] == ["late", "new"]


@pytest.mark.parametrize("pattern", ["", "app.log*"])
def test_what_rotation_leaves_behind_is_not_read_again(
    tmp_path: Path, logs: Path, pattern: str
) -> None:
    """In a followed folder or glob; not in this run and not in the next, compressed or not."""
    path, watched = logs / "app.log", logs / pattern
    path.write_text(line("one"))
    with opened(tmp_path / "data") as write_side, following(write_side, watched) as running:
        running.until_stored("app.log", "one")
        path.rename(logs / "app.log.1")
        path.write_text(line("two"))
        running.until_stored("app.log", "one", "two")
        (logs / "app.log.2.gz").write_bytes(gzip.compress((logs / "app.log.1").read_bytes()))
        path.rename(logs / "app.log.1")
        path.write_text(line("three"))
        running.until_stored("app.log", "one", "two", "three")
        running.rounds()
        assert list(bodies(write_side)) == ["app.log"]
    assert ingest(tmp_path / "data", watched) == {"app.log": ["one", "two", "three"]}
    path.rename(logs / "app.log.3")
    path.write_text(line("four"))
    assert ingest(tmp_path / "data", watched) == {"app.log": ["one", "two", "three", "four"]}


def test_old_files_found_first_keep_their_source_when_they_are_rotated_on(
    tmp_path: Path, logs: Path
) -> None:
    """`app.log.1` of yesterday is `app.log.2` today; neither is counted again."""
    (logs / "app.log.1").write_text(line("old"))
    (logs / "app.log").write_text(line("new"))
    expected = {"app.log": ["new"], "app.log.1": ["old"]}
    assert ingest(tmp_path / "data", logs) == expected
    (logs / "app.log.1").rename(logs / "app.log.2")
    (logs / "app.log").rename(logs / "app.log.1")
    (logs / "app.log").write_text(line("newest"))
    expected["app.log"].append("newest")
    assert ingest(tmp_path / "data", logs) == expected
    with opened(tmp_path / "data") as write_side, following(write_side, logs) as running:
        (logs / "app.log.2").rename(logs / "app.log.3")
        (logs / "app.log.1").rename(logs / "app.log.2")
        (logs / "app.log").rename(logs / "app.log.1")
        (logs / "app.log").write_text(line("youngest"))
        expected["app.log"].append("youngest")
        running.until_stored("app.log", *expected["app.log"])
        running.rounds()
        assert bodies(write_side) == expected


@pytest.mark.parametrize("watched", ["app.log", "app.log*"])
@pytest.mark.parametrize("compressed", [False, True])
def test_files_rotated_while_nobody_read_are_read_in_order(
    tmp_path: Path, logs: Path, watched: str, compressed: bool
) -> None:
    """The rest of the file read last, those between, the live one."""
    path = logs / "app.log"
    path.write_text(line("a1"))
    assert ingest(tmp_path / "data", logs / watched) == {"app.log": ["a1"]}
    with path.open("a") as file:
        file.write(line("a2"))
    if compressed:
        (logs / "app.log.3.gz").write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()
    else:
        path.rename(logs / "app.log.3")
    (logs / "app.log.2").write_text(line("b1") + line("b2"))
    (logs / "app.log.1").write_text(line("c1"))
    path.write_text(line("d1"))
    expected = {"app.log": ["a1", "a2", "b1", "b2", "c1", "d1"]}
    assert ingest(tmp_path / "data", logs / watched) == expected
    assert ingest(tmp_path / "data", logs / watched) == expected


@pytest.mark.parametrize("gone", ["app.log.2", "app.log.3"])
def test_a_rotated_file_that_is_gone_is_told_and_recorded(
    tmp_path: Path, logs: Path, gone: str
) -> None:
    """Whether it is one between, or the one that was read last."""
    path = logs / "app.log"
    path.write_text(line("a1"))
    ingest(tmp_path / "data", path)
    path.rename(logs / "app.log.3")
    (logs / "app.log.2").write_text(line("b1"))
    (logs / "app.log.1").write_text(line("c1"))
    path.write_text(line("d1"))
    (logs / gone).unlink()
    rest = ["c1", "d1"] if gone == "app.log.2" else ["b1", "c1", "d1"]
    with opened(tmp_path / "data") as write_side:
        files = write_side.log_files([str(path)])
        files.search()
        files.read_to_end()
        (collection,) = files.collections
        collection.wait_until_durable()
        assert bodies(write_side) == {"app.log": ["a1", *rest]}
        (rejected,) = facts(write_side, RecordsRejected)
        assert isinstance(rejected, RecordsRejected)
        assert "not known" in rejected.reason
        assert [problem.problem for problem in files.problems] == [rejected.reason]


def test_copytruncate_in_the_middle_of_writing_loses_nothing_that_was_copied(
    write_side: WriteSide, logs: Path
) -> None:
    """What was written between our last look and the copy is read from the copy, once."""
    path = logs / "app.log"
    path.write_text(line("one"))
    with following(write_side, logs) as running:
        running.until_stored("app.log", "one")
        copy = path.read_text() + line("two") + line("three")
        (logs / "app.log.1").write_text(copy)  # appended and copied between two looks
        os.truncate(path, 0)
        with path.open("a") as file:
            file.write(line("four, after the truncation"))
        running.until_stored("app.log", "one", "two", "three", "four, after the truncation")
        running.rounds()
        assert list(bodies(write_side)) == ["app.log"]


def test_a_reused_inode_is_another_file(tmp_path: Path, logs: Path) -> None:
    """Its first bytes tell; the loss of what the old one may still have held is told."""
    path = logs / "app.log"
    path.write_text(line("old one") + line("old two"))
    ingest(tmp_path / "data", path)
    inode = path.stat().st_ino
    with path.open("r+") as file:
        file.write(line("new one") + line("new two") + line("new three"))
    assert path.stat().st_ino == inode
    found = ingest(tmp_path / "data", path)
    assert found["app.log"][2:] == ["new one", "new two", "new three"]


def test_a_deleted_file_that_comes_back_is_read_from_its_beginning(
    write_side: WriteSide, logs: Path
) -> None:
    """What was written to the deleted one before comes first."""
    path = logs / "app.log"
    with path.open("a", buffering=1) as writer, following(write_side, path) as running:
        writer.write(line("one"))
        running.until_stored("app.log", "one")
        path.unlink()
        writer.write(line("into the deleted file"))
        running.until_stored("app.log", "one", "into the deleted file")
        path.write_text(line("again"))
        running.until_stored("app.log", "one", "into the deleted file", "again")


def test_permission_lost_and_regained_is_recorded_and_nothing_is_missed(tmp_path: Path) -> None:
    """The file is read on from its checkpoint when it may be read again."""
    us = os.geteuid()
    with tempfile.TemporaryDirectory() as directory:  # pytest's own are closed to nobody
        folder = Path(directory)
        path = folder / "app.log"
        path.write_text(line("one"))
        if us == 0:
            folder.chmod(0o777)
            os.seteuid(65534)
        try:
            assert ingest(folder / "data", path) == {"app.log": ["one"]}
            os.seteuid(us)
            with path.open("a") as file:
                file.write(line("two"))
            with opened(folder / "data") as write_side:
                files = write_side.log_files([str(path)])
                files.search()
                path.chmod(0)
                if us == 0:
                    os.seteuid(65534)
                (collection,) = files.collections
                assert not collection.step()
                assert "ermission" in collection.failure
                os.seteuid(us)
                path.chmod(0o644)
                while collection.step():
                    pass
                collection.finish()
                collection.wait_until_durable()
                assert bodies(write_side) == {"app.log": ["one", "two"]}
                assert len(facts(write_side, CollectionFailed)) == 1
                assert len(facts(write_side, CollectionResumed)) == 1
        finally:
            os.seteuid(us)


def test_a_collection_that_breaks_is_told_recorded_and_begun_anew(
    write_side: WriteSide, logs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lines that were read when it broke come again; the other files go on meanwhile."""
    (logs / "app.log").write_text(line("one"))
    (logs / "db.log").write_text(line("first"))
    feed, broken = SourceParser.feed, threading.Event()
    broken.set()

    def break_at_two(parser: object, lines: object, now: int) -> object:
        if broken.is_set() and any("two" in item.text for item in lines):  # type: ignore[attr-defined]
            raise KeyError("no such format")
        return feed(parser, lines, now)  # type: ignore[arg-type]

    monkeypatch.setattr(SourceParser, "feed", break_at_two)
    with following(write_side, logs) as running:
        running.until_stored("app.log", "one")
        with (logs / "app.log").open("a") as file:
            file.write(line("two"))
        running.until(lambda: bool(running.told))
        assert "KeyError" in running.told[0]
        assert "KeyError" in running.files.trouble
        with (logs / "db.log").open("a") as file:
            file.write(line("second"))
        running.until_stored("db.log", "first", "second")
        broken.clear()
        running.until_stored("app.log", "one", "two")
        running.until(lambda: not running.files.trouble)
        running.until(lambda: len(facts(write_side, CollectionResumed)) == 1)
    assert len(facts(write_side, CollectionFailed)) == 1


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("a b 'c' \"d\".log", "a b 'c' \"d\".log"),
        ("shop#1.log", "shop_1.log"),
        ("evil\x1b[31m\nname\t.log", "evil\\nname\\t.log"),
        (os.fsdecode(b"caf\xe9.log"), "caf\\udce9.log"),
    ],
)
def test_a_hostile_file_name_becomes_a_harmless_source_name(
    tmp_path: Path, logs: Path, name: str, source: str
) -> None:
    """And the file is found again by its checkpoint."""
    (logs / name).write_text(line("one"))
    assert ingest(tmp_path / "data", logs) == {source: ["one"]}
    with (logs / name).open("a") as file:
        file.write(line("two"))
    assert ingest(tmp_path / "data", logs) == {source: ["one", "two"]}
    with opened(tmp_path / "data") as write_side:
        for recorded in read_all(write_side.log, topics=[RecordsAppended]):
            assert isinstance(recorded.event, RecordsAppended)
            assert recorded.event.service.replace(" ", "").isprintable()
