"""Following files through everything that happens to them."""

import gzip
import io
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from domain.logs.source import Checkpoint
from infrastructure.collectors.archives import UnpackingError
from infrastructure.collectors.files import expand
from infrastructure.collectors.line_splitting import MAX_LINE
from infrastructure.collectors.stdin import lines_from
from infrastructure.collectors.tail import FileTail


def read_all(tail: FileTail, at_once: int = 64) -> tuple[list[str], Checkpoint]:
    texts: list[str] = []
    checkpoint: Checkpoint = {}
    while (batch := tail.read(at_once)) is not None:
        texts += [line.text for line in batch.lines]
        checkpoint = batch.checkpoint_at(batch.lines[-1].end)
    return texts, checkpoint


def test_an_unfinished_line_waits_for_its_end(tmp_path: Path) -> None:
    """While following it is held back; `finish` delivers it."""
    path = tmp_path / "a.log"
    path.write_bytes(b"one\ntwo")
    tail = FileTail(path, None)
    assert read_all(tail)[0] == ["one"]
    with path.open("ab") as file:
        file.write(b" more\nthree")
    assert read_all(tail)[0] == ["two more"]
    last = tail.finish()
    assert last is not None
    assert [(line.number, line.text, line.end) for line in last.lines] == [(3, "three", 18)]
    assert tail.finish() is None


def test_a_checkpoint_goes_on_where_collection_stopped(tmp_path: Path) -> None:
    """At any line, not only at a batch's end."""
    path = tmp_path / "a.log"
    path.write_text("one\ntwo\nthree\n")
    batch = FileTail(path, None).read()
    assert batch is not None
    checkpoint = batch.checkpoint_at(8)
    assert (checkpoint["offset"], checkpoint["line"]) == (8, 2)
    rest = FileTail(path, checkpoint).read()
    assert rest is not None
    assert [(line.number, line.text) for line in rest.lines] == [(3, "three")]
    with pytest.raises(ValueError, match="no line ends at byte 5"):
        batch.checkpoint_at(5)


def test_a_checkpoint_of_an_earlier_batch_is_still_known(tmp_path: Path) -> None:
    """A parser may hold records back over several batches."""
    path = tmp_path / "a.log"
    path.write_text("x" * 60 + "\n" + "y" * 60 + "\n")
    tail = FileTail(path, None)
    assert tail.read(64) is not None
    second = tail.read(64)
    assert second is not None
    assert second.checkpoint_at(61)["line"] == 1


def test_rotation_by_rename_finishes_the_old_file_first(tmp_path: Path) -> None:
    """Also the last line without newline; then line numbers begin anew, marked as fresh."""
    path = tmp_path / "a.log"
    path.write_text("one\ntwo\n")
    tail = FileTail(path, None)
    assert read_all(tail)[0] == ["one", "two"]
    with path.open("a") as writer:
        path.rename(tmp_path / "a.log.1")
        path.write_text("new\n")
        writer.write("late\nlast")
        writer.flush()
        old, rest = tail.read(), tail.read()
        new = tail.read()
    assert old is not None
    assert rest is not None
    assert new is not None
    assert [x.text for b in (old, rest, new) for x in b.lines] == ["late", "last", "new"]
    assert [old.fresh, rest.fresh, new.fresh] == [False, False, True]
    assert new.lines[0].number == 1


def test_a_file_rotated_while_nobody_watched_is_finished_first(tmp_path: Path) -> None:
    """The checkpoint finds it under its new name."""
    path = tmp_path / "a.log"
    path.write_text("one\ntwo\n")
    batch = FileTail(path, None).read()
    assert batch is not None
    checkpoint = batch.checkpoint_at(4)
    path.rename(tmp_path / "a.log.1")
    path.write_text("new\n")
    assert read_all(FileTail(path, checkpoint))[0] == ["two", "new"]


@pytest.mark.parametrize("content", ["new\n", "a much longer second life of the file\n" * 3])
def test_a_truncated_file_is_read_from_its_beginning(tmp_path: Path, content: str) -> None:
    """Whether it is now shorter or has outgrown our offset."""
    path = tmp_path / "a.log"
    path.write_text("one\ntwo\nthree\n")
    tail = FileTail(path, None)
    _, checkpoint = read_all(tail)
    path.write_text(content)
    assert read_all(tail)[0] == content.splitlines()
    assert read_all(FileTail(path, checkpoint))[0] == content.splitlines()


def test_starting_at_the_end_skips_what_is_there(tmp_path: Path) -> None:
    """Line numbers still count the skipped lines."""
    path = tmp_path / "a.log"
    path.write_text("one\ntwo\n")
    tail = FileTail(path, None, start_at_end=True)
    assert tail.read() is None
    with path.open("a") as file:
        file.write("three\n")
    batch = tail.read()
    assert batch is not None
    assert [(line.number, line.text) for line in batch.lines] == [(3, "three")]


def test_a_missing_file_may_appear_later(tmp_path: Path) -> None:
    """Until then nothing is new."""
    tail = FileTail(tmp_path / "a.log", None)
    assert tail.read() is None
    (tmp_path / "a.log").write_text("one\n")
    assert read_all(tail)[0] == ["one"]


def test_bytes_that_are_no_utf8_become_visible(tmp_path: Path) -> None:
    """And UTF-16 with a byte order mark is text as well."""
    (tmp_path / "latin.log").write_bytes(b"caf\xe9\nna\xc3\xafve\n")
    (tmp_path / "wide.log").write_bytes("\ufeffgr\u00fc\u00df\n\u0a0a!\n".encode("utf-16-le"))
    assert read_all(FileTail(tmp_path / "latin.log", None))[0] == ["caf\\xe9", "na\u00efve"]
    texts, checkpoint = read_all(FileTail(tmp_path / "wide.log", None))
    assert texts == ["gr\u00fc\u00df", "\u0a0a!"]
    assert checkpoint["offset"] == (tmp_path / "wide.log").stat().st_size


def test_a_line_of_50_mb_stays_one_line(tmp_path: Path) -> None:
    """Its end is counted, its text bounded, and its neighbours are there."""
    path = tmp_path / "a.log"
    path.write_bytes(b"a\n" + b"x" * 50_000_000 + b"\nb\n")
    tail, lines = FileTail(path, None), []
    while (batch := tail.read()) is not None:
        lines += batch.lines
    assert [(x.number, len(x.text)) for x in lines] == [(1, 1), (2, MAX_LINE), (3, 1)]
    assert lines[1].dropped == 50_000_000 - MAX_LINE
    assert lines[2].end == 50_000_005


def test_a_gzip_archive_is_read_and_continued(tmp_path: Path) -> None:
    """Offsets count unpacked bytes."""
    path = tmp_path / "a.log.gz"
    path.write_bytes(gzip.compress(b"one\ntwo\n"))
    batch = FileTail(path, None).read()
    assert batch is not None
    assert [line.text for line in batch.lines] == ["one", "two"]
    assert read_all(FileTail(path, batch.checkpoint_at(4)))[0] == ["two"]


def test_an_archive_that_unpacks_absurdly_is_refused(tmp_path: Path) -> None:
    """Before it fills memory or the store."""
    path = tmp_path / "bomb.gz"
    path.write_bytes(gzip.compress((b"x" * 79 + b"\n") * 1_000_000))
    tail = FileTail(path, None)
    with pytest.raises(UnpackingError, match="unpacks to more than"):
        read_all(tail, 1 << 20)


def test_expand_takes_good_input_and_explains_the_rest(tmp_path: Path) -> None:
    """One message for each problem; an empty file is none."""
    logs = tmp_path / "logs"
    logs.mkdir()
    (logs / "a.log").write_text("x\n")
    (logs / "b.log").write_text("")
    (logs / "core").write_bytes(bytes(range(256)) * 10)
    (logs / "old.zip").write_bytes(b"PK")
    (logs / ".hidden").write_text("x")
    (logs / "deep").mkdir()
    (tmp_path / "bare").mkdir()
    binary, missing = tmp_path / "bin", tmp_path / "missing.log"
    binary.write_bytes(b"\x7fELF" + bytes(500))
    asked = [str(logs), str(logs / "*.log"), str(missing), str(binary), str(tmp_path / "bare"),
             str(tmp_path / "*.nothing"), str(logs / "old.zip")]  # fmt: skip
    paths, problems = expand(asked)
    assert paths == [logs / "a.log", logs / "b.log"]
    assert [(problem.path, problem.problem) for problem in problems] == [
        (str(missing), "there is no such file"),
        (str(binary), "is a binary file, not a log"),
        (str(tmp_path / "bare"), "no log file in this directory"),
        (str(tmp_path / "*.nothing"), "no file matches"),
        (str(logs / "old.zip"), "is an archive"),
    ]
    assert all(problem.remedy for problem in problems)


@pytest.fixture
def nobody() -> Iterator[None]:
    """Root may read everything, so root becomes nobody for a moment."""
    us = os.geteuid()
    if us == 0:
        os.seteuid(65534)
    yield
    os.seteuid(us)


def test_a_file_we_may_not_read_is_a_problem(request: pytest.FixtureRequest) -> None:
    """With what to do about it."""
    with tempfile.TemporaryDirectory() as directory:  # pytest's own are closed to nobody
        Path(directory).chmod(0o755)
        path = Path(directory) / "a.log"
        path.write_text("x\n")
        path.chmod(0)
        request.getfixturevalue("nobody")
        _, (problem,) = expand([str(path)])
        os.seteuid(os.getuid())
    assert problem.problem == "no permission to read it"


def test_a_pipe_gives_its_lines_and_the_last_without_newline() -> None:
    """CRLF is left to the parser."""
    lines = list(lines_from(io.BytesIO(b"one\r\ntwo\n\nlast")))
    assert [(x.number, x.text, x.end) for x in lines] == [
        (1, "one\r", 5), (2, "two", 9), (3, "", 10), (4, "last", 14),
    ]  # fmt: skip
