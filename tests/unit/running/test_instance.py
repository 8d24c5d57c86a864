"""One process at a time writes a data directory."""

from pathlib import Path

import pytest

from infrastructure.doctor import examine
from infrastructure.instance import (
    AlreadyRunning,
    DataDirectoryUnusable,
    Instance,
    announced,
    running_api,
)
from infrastructure.settings import Settings


def test_a_second_process_learns_who_holds_the_directory(tmp_path: Path) -> None:
    """With its address and what to do."""
    first = Instance(tmp_path)
    first.announce("http://127.0.0.1:8600")
    with pytest.raises(AlreadyRunning, match=r"http://127\.0\.0\.1:8600.*--data DIR") as held:
        Instance(tmp_path)
    assert held.value.url == "http://127.0.0.1:8600"
    first.release()
    Instance(tmp_path).release()


def test_a_directory_nobody_holds_has_no_api(tmp_path: Path) -> None:
    """Neither before anybody came, nor after they left, nor when they do not answer."""
    assert running_api(tmp_path) is None
    holder = Instance(tmp_path)
    assert running_api(tmp_path) is None
    holder.announce("http://127.0.0.1:1")
    assert running_api(tmp_path) is None
    holder.release()
    assert running_api(tmp_path) is None


def test_a_directory_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    """A file stands in its place."""
    (tmp_path / "data").write_text("")
    with pytest.raises(DataDirectoryUnusable, match="cannot be written"):
        Instance(tmp_path / "data" / "below")


def test_what_the_running_process_told_is_what_the_doctor_says_of_mail(tmp_path: Path) -> None:
    """Its settings may differ from those of who asks, as in the demo."""
    instance = Instance(tmp_path)
    instance.announce("http://127.0.0.1:9", mail_to="oncall@localhost")
    try:
        findings = examine(Settings(data=tmp_path)).findings
    finally:
        instance.release()
    [mail] = [finding for finding in findings if finding.subject == "mail"]
    assert mail.detail == "the running process sends reports to oncall@localhost"
    assert announced(tmp_path) == {}
