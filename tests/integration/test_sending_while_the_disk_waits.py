"""What senders over HTTP are told while the store cannot be written."""

import threading
from pathlib import Path

import pytest

from application.event_log import read_all
from application.intake import Intake
from domain.logs.source import RecordsAppended
from infrastructure.settings import load_settings
from interfaces import system as system_module
from interfaces.system import System


def test_a_sender_who_waited_too_long_is_told_that_the_lines_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Accepted without a position; the next request gets new line numbers, nothing is doubled."""
    monkeypatch.setattr(system_module, "_DURABLE_WITHIN", 0.2)
    write, disk = Intake._write, threading.Event()

    def slow(intake: Intake, item: object) -> object:
        assert disk.wait(60)
        return write(intake, item)  # type: ignore[arg-type]

    monkeypatch.setattr(Intake, "_write", slow)
    with System(load_settings(data=tmp_path / "data"), patient=True) as system:
        system.write_side.start_writer()
        late = system.ingest("app", ["one", "two"], "api")
        assert (late.accepted, late.position) == (2, None)
        assert system.ingest("app", ["three"], "api").position is None
        assert system.ingest("db", ["first"], "api").position is None
        disk.set()
        monkeypatch.setattr(system_module, "_DURABLE_WITHIN", 60.0)
        assert system.ingest("app", ["four"], "api").position is not None
        found = [
            (stored.record.original, stored.record.line)
            for recorded in read_all(system.write_side.log, topics=[RecordsAppended])
            if isinstance(recorded.event, RecordsAppended) and recorded.event.source == "app"
            for stored in system.write_side.codec.unpack(recorded.event)
        ]
    assert found == [("one", 1), ("two", 2), ("three", 3), ("four", 4)]


def test_readiness_asks_every_part_that_wants_to_be_asked(tmp_path: Path) -> None:
    """A collection that broke makes the system not ready, with its reason."""
    with System(load_settings(data=tmp_path / "data")) as system:
        problems = ["app.log: collecting broke"]
        system.also_check("collect", lambda: "; ".join(problems))
        assert not system.health().ok
        assert ("collect", "app.log: collecting broke") in [
            (check.name, check.detail) for check in system.health().checks
        ]
        problems.clear()
        assert system.health().ok
