"""Lines that systemd, Docker and Kubernetes wrap around what a program wrote."""

import json

from domain.logs.framing import PhysicalLine
from domain.logs.parser import SourceParser
from domain.logs.record import ERROR, WARN, LogRecord
from infrastructure.format_files import load_formats

OBSERVED = 1_795_476_600_000_000_000
TRACE = [
    "2026-11-23 12:00:00,100 ERROR [orders] boom",
    "Traceback (most recent call last):",
    '  File "/srv/orders.py", line 1, in x',
    "OSError: [Errno 28] No space left on device",
]


def parse(lines: list[str]) -> list[LogRecord]:
    parser = SourceParser("collected", load_formats())
    physical = [PhysicalLine(n, line, n) for n, line in enumerate(lines, start=1)]
    return [p.record for p in parser.feed(physical, OBSERVED) + parser.flush(OBSERVED)]


def entry(message: object, **fields: str) -> str:
    """An entry as `journalctl -o json` prints it."""
    return json.dumps(
        {
            "__CURSOR": "s=1;i=2",
            "__REALTIME_TIMESTAMP": "1795442475172345",
            "_HOSTNAME": "web1",
            "_SYSTEMD_UNIT": "shop.service",
            "SYSLOG_IDENTIFIER": "shopd",
            "PRIORITY": "4",
            **fields,
            "MESSAGE": message,
        }
    )


def test_an_entry_of_the_journal_says_when_who_and_how_bad() -> None:
    """Microseconds, unit and syslog priority become what they are for every source."""
    (record,) = parse([entry("disk slow")])
    assert record.body == "disk slow"
    assert record.severity_number == WARN
    assert record.timestamp == 1795442475172345000
    assert record.service == "shopd"
    assert record.attributes["host.name"] == "web1"


def test_what_an_interpreter_runs_is_named_by_its_unit() -> None:
    """`python3` is no service."""
    (record,) = parse([entry("late", SYSLOG_IDENTIFIER="python3")])
    assert record.service == "shop"


def test_a_message_of_bytes_is_text_again_without_its_secrets() -> None:
    """Coloured messages come as numbers, which redaction of the line cannot see through."""
    message = list(b"\x1b[31mlogin with password=hunter2secret failed\x1b[0m")
    (record,) = parse([entry(message)])
    assert record.body == "login with password=[REDACTED:password] failed"
    assert "\x1b" not in repr(record)
    assert str(list(b"hunter2")).strip("[]") not in repr(record)


def test_bytes_that_are_none_stay_as_they_are() -> None:
    """Numbers beyond a byte, and messages of several parts, are no reason to fail."""
    assert len(parse([entry([1, 2, 999]), entry(["a", "b"]), entry(None), entry({"x": 1})])) == 4


def test_a_trace_in_the_journal_is_one_record() -> None:
    """Each line of a program's output is an entry of its own."""
    failed, after = parse([*(entry(line, _PID="7") for line in TRACE), entry("next", _PID="7")])
    assert failed.attributes["exception.type"] == "OSError"
    assert failed.line_count == 4
    assert after.body == "next"


def test_dockers_and_kubernetes_lines_hold_a_programs_lines() -> None:
    """Format and trace are found inside, whichever runtime wrapped them."""
    at = "2026-11-23T12:00:00.123456789Z"
    docker = [json.dumps({"log": f"{line}\n", "stream": "stderr", "time": at}) for line in TRACE]
    docker = [line.replace('": ', '":').replace(', "', ',"') for line in docker]
    for lines in (docker, [f"{at} stderr F {line}" for line in TRACE]):
        (record,) = parse(lines)
        assert record.severity_number == ERROR
        assert record.service == "orders"
        assert record.attributes["exception.type"] == "OSError"
        assert record.attributes["log.iostream"] == "stderr"
