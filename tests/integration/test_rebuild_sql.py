"""Rebuilding the SQLite read models from a real event store."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from application.rebuilding import rebuild
from infrastructure.event_store.sqlite_log import SqliteEventLog
from projections.dashboard.read_model import open_dashboard
from projections.history.queries import HistoryQueries
from projections.history.read_model import open_history
from projections.projector import ReadModelUnusable, StaleSchema
from projections.sql_place import SqlPlace
from tests.unit.projections.story import whole_life

OPEN = {"history": open_history, "dashboard": open_dashboard}


@pytest.fixture
def log(tmp_path: Path) -> Iterator[SqliteEventLog]:
    log = SqliteEventLog(tmp_path / "events.db")
    whole_life(log)
    yield log
    log.close()


@pytest.fixture(params=["history", "dashboard"])
def place(request: Any, tmp_path: Path) -> SqlPlace:
    return SqlPlace(request.param, tmp_path / f"{request.param}.db", OPEN[request.param])


def make_live(place: SqlPlace, log: SqliteEventLog) -> None:
    rebuild(place, log, verify=False)


def tamper(place: SqlPlace, statement: str) -> None:
    with sqlite3.connect(place.path) as connection:
        connection.execute(statement)
    connection.close()


def test_an_untouched_read_model_has_no_differences(place: SqlPlace, log: SqliteEventLog) -> None:
    """Rebuilding proves that the live one was right."""
    make_live(place, log)
    result = rebuild(place, log, verify=True)
    assert result.differences == []
    assert result.position == log.head()
    assert result.records == 5
    assert result.parked == []


def test_a_live_model_that_lags_is_no_difference(place: SqlPlace, log: SqliteEventLog) -> None:
    """Events not yet projected are not damage."""
    model = place._open(place.path)
    model.apply(log.read(0, 3, model.topics))
    model.close()
    assert rebuild(place, log, verify=True).differences == []


def test_a_tampered_value_is_named_with_table_key_column_and_both_values(
    place: SqlPlace, log: SqliteEventLog
) -> None:
    """Whoever changed a row finds it named, and mended."""
    make_live(place, log)
    tamper(place, "UPDATE incidents SET root_cause = 'aliens'")
    result = rebuild(place, log, verify=True)
    (difference,) = result.differences
    assert difference.startswith("incidents ")
    assert difference.endswith(' root_cause: found "aliens", expected "the disk is full"')
    assert rebuild(place, log, verify=True).differences == []


def test_a_deleted_row_and_an_invented_one_are_named(place: SqlPlace, log: SqliteEventLog) -> None:
    """Missing rows and rows no event made are both differences."""
    make_live(place, log)
    tamper(place, "DELETE FROM sources WHERE name = 'db.log'")
    tamper(place, "INSERT INTO parked VALUES (99, 'Nothing', 'made up')")
    differences = rebuild(place, log, verify=True).differences
    assert "sources db.log: is missing" in differences
    assert "parked 99: is there, but no event made it" in differences


def test_differences_are_bounded(place: SqlPlace, log: SqliteEventLog) -> None:
    """A thoroughly wrong model does not flood the terminal."""
    make_live(place, log)
    rows = ",".join(f"({n}, 'x', 'y')" for n in range(500, 900))
    tamper(place, f"INSERT INTO parked VALUES {rows}")
    differences = rebuild(place, log, verify=True).differences
    assert len(differences) == 101
    assert "only the first 100" in differences[-1]


def test_a_missing_read_model_is_rebuilt_and_said_to_have_been_missing(
    place: SqlPlace, log: SqliteEventLog
) -> None:
    """Deleting a read model costs nothing."""
    assert rebuild(place, log, verify=True).differences == ["was missing"]
    assert rebuild(place, log, verify=True).differences == []


@pytest.mark.parametrize("damage", [b"this is no database at all" * 200, b""])
def test_a_file_that_is_no_database_is_replaced(
    place: SqlPlace, log: SqliteEventLog, damage: bytes
) -> None:
    """Rubbish where the read model was does not stop a rebuild."""
    make_live(place, log)
    digest = rebuild(place, log, verify=False).digest
    place.path.write_bytes(damage)
    again = rebuild(place, log, verify=True)
    assert again.digest == digest
    assert again.differences != []
    assert rebuild(place, log, verify=True).differences == []


def test_a_page_overwritten_in_the_middle_is_found_and_mended(
    place: SqlPlace, log: SqliteEventLog
) -> None:
    """A file that opens but is damaged inside counts as unreadable."""
    make_live(place, log)
    with sqlite3.connect(place.path) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    content = bytearray(place.path.read_bytes())
    middle = len(content) // 2 // 4096 * 4096
    content[middle : middle + 4096 * 4] = b"\xff" * 4096 * 4
    place.path.write_bytes(content)
    (difference,) = rebuild(place, log, verify=True).differences
    assert difference.startswith("was unreadable: ")
    assert rebuild(place, log, verify=True).differences == []


def test_a_word_index_that_misses_words_is_found_and_mended(
    tmp_path: Path, log: SqliteEventLog
) -> None:
    """Rows may be right and search wrong all the same."""
    place = SqlPlace("history", tmp_path / "history.db", open_history)
    make_live(place, log)
    tamper(place, "INSERT INTO texts_index(texts_index) VALUES ('delete-all')")
    (difference,) = rebuild(place, log, verify=True).differences
    assert difference.startswith("was unreadable: ")
    assert rebuild(place, log, verify=True).differences == []


def test_opening_rubbish_says_what_to_do(place: SqlPlace) -> None:
    """The error names the read model, the file and the command that mends it."""
    place.path.write_bytes(b"rubbish" * 1000)
    with pytest.raises(ReadModelUnusable, match=f"aiops rebuild {place.name}") as raised:
        place._open(place.path)
    assert str(place.path) in str(raised.value)


def test_another_schema_version_asks_for_a_rebuild_and_gets_it(
    place: SqlPlace, log: SqliteEventLog
) -> None:
    """A program that writes other tables does not read the old ones."""
    make_live(place, log)
    tamper(place, "UPDATE checkpoint SET schema_version = 99")
    with pytest.raises(StaleSchema, match=f"schema version 99.*aiops rebuild {place.name}"):
        place._open(place.path)
    (difference,) = rebuild(place, log, verify=True).differences
    assert difference.startswith("had schema version 99")
    place._open(place.path).close()


def test_what_an_interrupted_rebuild_left_is_thrown_away(
    place: SqlPlace, log: SqliteEventLog
) -> None:
    """A rebuild that was killed does not spoil the next."""
    make_live(place, log)
    half = place.beside()
    half.apply(log.read(0, 5, half.topics))
    half.close()
    assert rebuild(place, log, verify=True).differences == []
    assert not place.path.with_name(place.path.name + ".rebuilding").exists()


def test_readers_with_the_file_open_see_the_rebuilt_content(
    tmp_path: Path, log: SqliteEventLog
) -> None:
    """The swap needs no restart of the process that answers queries."""
    place = SqlPlace("history", tmp_path / "history.db", open_history)
    make_live(place, log)
    reader = open_history(place.path)
    queries = HistoryQueries(reader)
    tamper(place, "UPDATE incidents SET title = 'wrong'")
    assert queries.incidents().items[0].title == "wrong"
    rebuild(place, log, verify=False)
    assert queries.incidents().items[0].title == "db: the disk is full"
    reader.close()


def test_a_writer_whose_model_was_replaced_by_an_older_one_reads_again(
    tmp_path: Path, log: SqliteEventLog
) -> None:
    """A batch that does not follow on from where the model stands is refused, not half applied."""
    model = open_history(tmp_path / "history.db")
    batch = log.read(10, 5, model.topics)
    assert model.apply(batch, after=10) == 0
    assert model.position == 0
    model.close()


def test_a_rebuild_that_fails_leaves_the_live_model_as_it_was(
    place: SqlPlace, log: SqliteEventLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is swapped before everything is there."""
    make_live(place, log)
    live = place._open(place.path)
    digest = live.digest()

    def broken(self: SqlPlace, *models: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(SqlPlace, "install", broken)
        with pytest.raises(OSError, match="No space left"):
            rebuild(place, log, verify=False)
    assert live.digest() == digest
    live.close()
    assert rebuild(place, log, verify=True).differences == []


def test_progress_reaches_the_end(place: SqlPlace, log: SqliteEventLog) -> None:
    """A progress bar gets to 100 %."""
    seen: list[tuple[int, int]] = []
    rebuild(place, log, verify=False, progress=lambda done, whole: seen.append((done, whole)))
    assert seen[-1] == (log.head(), log.head())
