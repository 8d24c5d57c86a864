"""From a file on the disk to the diagnosis, through the parts as they are put together."""

from pathlib import Path

import pytest

from application.answering import answers
from application.verifying import verify
from infrastructure.composition import ThrowAwayStore, channels_of, open_write_side, pipeline_of
from infrastructure.event_store.sqlite_log import StoreUnusable
from infrastructure.settings import Settings, WrongSettings, load_settings

LINES = [
    "2026-03-01 08:00:00.000 UTC [41] LOG:  database system is ready to accept connections",
    "2026-03-01 08:00:09.000 UTC [88] PANIC:  could not extend file: No space left on device",
    "2026-03-01 08:00:10.000 UTC [41] LOG:  terminating any other active server processes",
]


def written(directory: Path, name: str = "postgres.log", lines: list[str] | None = None) -> Path:
    path = directory / name
    path.write_text("\n".join(lines or LINES) + "\n")
    return path


def test_a_failing_file_ends_in_a_grounded_diagnosis(tmp_path: Path) -> None:
    """Collected, recorded, detected, investigated: the quote stands on its line of the file."""
    path = written(tmp_path)
    with ThrowAwayStore() as write_side:
        files = write_side.log_files([str(path)])
        assert files.search() == []
        files.read_to_end()
        for collection in files.collections:
            collection.wait_until_durable()
        pipeline_of(load_settings(data=tmp_path, engine="knowledge"), write_side).drain()
        found = answers(write_side.log)[0]
        assert verify(write_side.log, write_side.codec).ok
    assert (found.service, found.error_class) == ("postgres", "disk_exhausted")
    for evidence in found.evidence:
        assert evidence.quote in LINES[evidence.line - 1]


def test_draining_comes_to_an_end_while_somebody_else_investigates(tmp_path: Path) -> None:
    """A run that another worker holds is no reason to ask again and again."""
    path = written(tmp_path)
    with ThrowAwayStore() as write_side:
        files = write_side.log_files([str(path)])
        files.search()
        files.read_to_end()
        files.collections[0].wait_until_durable()
        pipeline = pipeline_of(load_settings(data=tmp_path, engine="knowledge"), write_side)
        pipeline.investigator.run = lambda _: None  # type: ignore[method-assign]
        pipeline.drain()
        assert len(pipeline.investigator.waiting()) == 1


def test_reading_again_goes_on_where_it_stopped(tmp_path: Path) -> None:
    """A second run of any kind records only what is new."""
    path, data = written(tmp_path), tmp_path / "data"
    counts = []
    for more in ("", "2026-03-01 08:09:00.000 UTC [41] LOG:  checkpoint complete\n", ""):
        with path.open("a") as file:
            file.write(more)
        write_side = open_write_side(data)
        write_side.start_writer()
        files = write_side.log_files([str(path)])
        files.search()
        files.read_to_end()
        write_side.close()
        write_side = open_write_side(data)
        counts.append(write_side.recording.counts()["postgres.log"])
        assert verify(write_side.log, write_side.codec).ok
        write_side.close()
    assert counts == [3, 4, 4]


def test_files_of_one_name_are_two_sources(tmp_path: Path) -> None:
    """The folder tells them apart, today and after a restart."""
    for folder in ("east", "west"):
        (tmp_path / folder).mkdir()
        written(tmp_path / folder, "app.log", [f"{folder} says hello"])
    with ThrowAwayStore() as write_side:
        for _ in "twice":
            files = write_side.log_files([str(tmp_path / "*" / "app.log")])
            files.search()
            files.read_to_end()
            for collection in files.collections:
                collection.wait_until_durable()
        assert sorted(write_side.recording.counts().values()) == [1, 1]


def test_a_store_that_cannot_be_opened_is_told_with_a_remedy(tmp_path: Path) -> None:
    """The data directory is a file."""
    path = written(tmp_path)
    with pytest.raises(StoreUnusable, match="cannot be used"):
        open_write_side(path)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"port": 70_000}, "AIOPS_PORT"),
        ({"engine": "oracle"}, "AIOPS_ENGINE"),
        ({"limit_fix": -1}, "AIOPS_LIMIT_FIX"),
        ({"settle": "soon"}, "AIOPS_SETTLE"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(given: dict[str, object], message: str) -> None:
    """With what is wrong with it."""
    with pytest.raises(WrongSettings, match=f"{message}.*correct"):
        load_settings(**given)


def test_settings_come_from_environment_and_file_in_this_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is given beats the environment, which beats aiops.toml."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "aiops.toml").write_text('port = 1111\nhost = "::1"\nmodel = "m"\n')
    monkeypatch.setenv("AIOPS_PORT", "2222")
    monkeypatch.delenv("AIOPS_ENGINE", raising=False)
    found = load_settings(dashboard_port=3333, host=None)
    assert (found.port, found.host, found.dashboard_port) == (2222, "::1", 3333)
    assert found.engine_in_force == "crew"
    (tmp_path / "aiops.toml").write_text("port = = 1")
    with pytest.raises(WrongSettings, match=r"aiops\.toml cannot be read"):
        load_settings()


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ({"mail_to": "ada@example.org"}, "AIOPS_SMTP_URL"),
        ({"smtp_url": "smtp://h"}, "AIOPS_MAIL_TO"),
    ],
)
def test_half_a_mail_setting_is_told(given: dict[str, str], missing: str) -> None:
    """Nobody waits for mails that can never come."""
    with pytest.raises(WrongSettings, match=f"{missing} is not set"):
        channels_of(Settings(**given))
