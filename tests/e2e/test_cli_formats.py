"""`aiops formats` and `aiops parse`: how logs are understood, from outside."""

from pathlib import Path

import pytest

from tests.e2e.command_line import CommandLine

LOG = """\
[23-Nov-2026 17:35:30 UTC] PHP Warning:  Undefined array key "id" in /srv/app/cart.php on line 4
[23-Nov-2026 17:35:31 UTC] PHP Fatal error:  Uncaught PDOException: no store in /srv/app/store.php:8
Stack trace:
#0 {main}
  thrown in /srv/app/store.php on line 8
what nobody knows\x1b[2J
"""


@pytest.fixture
def aiops(tmp_path: Path) -> CommandLine:
    (tmp_path / "php.log").write_text(LOG)
    return CommandLine(tmp_path)


def test_every_format_is_listed_with_an_example(aiops: CommandLine) -> None:
    """As JSON and for people."""
    formats = aiops("formats", "--json").json["formats"]
    names = [item["name"] for item in formats]
    assert len(names) == len(set(names)) >= 90
    assert {"cloudflared", "nginx-error", "postgresql"} <= set(names)
    assert all(item["example"] for item in formats)
    ran = aiops("formats")
    assert ran.code == 0
    assert f"{len(names)} formats" in ran.out


def test_a_log_is_explained_record_by_record(aiops: CommandLine) -> None:
    """Format, time, severity, service, attributes, and how many lines belong to it."""
    ran = aiops("parse", "php.log", "--explain", "--json")
    assert (ran.code, ran.err) == (0, "")
    log = ran.json
    assert log["lines"] == sum(record["lines"] for record in log["records"]) == 6
    warning, fatal = log["records"][:2]
    assert (warning["format"], warning["severity"]) == ("php-error", "warn")
    assert (fatal["line"], fatal["service"], fatal["severity"]) == (2, "php", "fatal")
    assert fatal["lines"] >= 4
    assert fatal["timestamp"] == "2026-11-23T17:35:31.000000000Z"
    assert fatal["attributes"]["exception.type"] == "PDOException"


def test_the_explanation_says_of_each_line_what_it_is(aiops: CommandLine) -> None:
    """Continuation lines name the line they continue; nothing reaches the terminal as it is."""
    out = aiops("parse", "--explain", "php.log").out
    assert "2  php-error  2026-11-23T17:35:31.000000000Z  fatal  php" in out
    assert "3  continues line 2" in out
    assert "exception.type = PDOException" in out
    assert "\x1b" not in out


def test_a_format_can_be_forced(aiops: CommandLine) -> None:
    """Then no other is tried; what it does not fit is text."""
    log = aiops("parse", "php.log", "--format", "php-fpm", "--json").json
    assert set(log["formats"]) <= {"php-fpm", "php-stack", "exception-line", "text"}
    assert "php-error" not in log["formats"]
    piped = aiops("parse", "-", "--format", "php-error", "--json", stdin=LOG.encode()).json
    assert "php-error" in piped["formats"]


def test_without_explain_the_records_are_listed(aiops: CommandLine) -> None:
    """Line number, time, severity, service, message."""
    first = aiops("parse", "php.log").out.split("\n")[0]
    assert first.startswith("1: 2026-11-23T17:35:30.000000000Z warn php Undefined array key")


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("php.log", "--format", "nosuch"), 2, "no format 'nosuch': 'aiops formats' lists"),
        (("absent.log",), 1, "absent.log"),
        (("-",), 1, "-: is empty"),
    ],
)
def test_what_cannot_be_parsed_is_said_in_one_line(
    aiops: CommandLine, arguments: tuple[str, ...], code: int, says: str
) -> None:
    """With what to do about it."""
    ran = aiops("parse", *arguments)
    assert ran.code == code
    assert says in ran.complaint


@pytest.mark.parametrize("command", ["formats", "parse"])
def test_help_shows_an_example(aiops: CommandLine, command: str) -> None:
    """One to copy."""
    assert f"Example: aiops {command}" in aiops(command, "--help").out
