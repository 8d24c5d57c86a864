"""What the command line leaves on the disk, and what it leaves alone."""

from pathlib import Path

import pytest

from tests.e2e.command_line import CommandLine
from tests.e2e.shop_logs import broken

GENEROUS = ("sh", "-c", 'umask 022; exec "$@"', "sh")
"""What most systems allow other users to read."""


@pytest.fixture
def aiops(tmp_path: Path) -> CommandLine:
    return CommandLine(tmp_path)


def test_other_users_can_read_nothing_that_was_recorded(aiops: CommandLine) -> None:
    """Logs hold what is nobody else's business, whatever the umask says."""
    logs = broken(aiops.folder / "logs")
    ran = aiops("ingest", *logs, "--data", aiops.data, wrapper=GENEROUS)
    assert ran.code == 0, ran.err
    aiops("search", "connection refused", "--data", aiops.data, wrapper=GENEROUS)
    made = [aiops.data, *aiops.data.rglob("*")]
    assert {"events.db", "history.db", "dashboard.db"} <= {path.name for path in made}
    assert [path for path in made if path.stat().st_mode & 0o077] == []


def test_the_doctor_names_a_store_that_others_can_read(aiops: CommandLine) -> None:
    """One made by an older version, or copied there."""
    logs = broken(aiops.folder / "logs")
    assert aiops("ingest", *logs, "--data", aiops.data).code == 0
    (aiops.data / "events.db").chmod(0o644)
    ran = aiops("doctor", "--data", aiops.data)
    assert ran.code == 1
    assert f"chmod -R go= {aiops.data}" in ran.out


@pytest.mark.parametrize(
    "command",
    [
        ("incidents",), ("incident", "3f2a91c0"), ("audit", "3f2a91c0"), ("search", "x"),
        ("verify",), ("rebuild", "history"),
    ],
)  # fmt: skip
def test_a_question_to_a_directory_that_is_not_there_makes_none(
    aiops: CommandLine, command: tuple[str, ...]
) -> None:
    """A typo in --data is said, not turned into an empty store."""
    ran = aiops(*command, "--data", "typo")
    assert ran.code == 1
    assert "there is no event store in typo" in ran.complaint
    assert "--data DIR" in ran.complaint
    assert not (aiops.folder / "typo").exists()


def test_a_search_for_what_is_not_there_finds_nothing(aiops: CommandLine) -> None:
    """Something is always nearest in meaning; that alone is no hit."""
    assert aiops("ingest", *broken(aiops.folder / "logs"), "--data", aiops.data).code == 0
    ran = aiops("search", "watering tomatoes", "--data", aiops.data)
    assert ran.out.splitlines()[0] == "Nothing found."
