"""Lines become records: what belongs together, what it means, and what hostile input does."""

from domain.logs.cleaning import MAX_BODY, TRUNCATED
from domain.logs.framing import MAX_LINES, PhysicalLine
from domain.logs.parser import INFERRED_TIME, SourceParser
from domain.logs.record import ERROR, FATAL, INFO, ORIGINAL, WARN, LogRecord
from infrastructure.format_files import load_formats

OBSERVED = 1_795_476_600_000_000_000


def parse(*texts: str) -> list[LogRecord]:
    parser = SourceParser("log.txt", load_formats())
    lines = [PhysicalLine(n, text, n * 10) for n, text in enumerate(texts, start=1)]
    parsed = parser.feed(lines, OBSERVED) + parser.flush(OBSERVED)
    assert parsed[-1].end == len(texts) * 10
    return [item.record for item in parsed]


def test_the_word_error_in_a_message_makes_no_error() -> None:
    """Only a severity in the header counts."""
    records = parse(
        "2026-11-23 13:55:48,555 INFO [orders] error rate is 0, no fatal problem",
        "2026-11-23T13:55:48Z connection error handler installed",
        "the error handler was installed",
    )
    assert [r.severity_number for r in records] == [INFO, 0, 0]


def test_a_traceback_belongs_to_the_error_above_it() -> None:
    """Outer exception and innermost cause are named; the next header begins the next record."""
    records = parse(
        "2026-11-23 13:55:48,555 ERROR [orders] could not place order 17",
        "Traceback (most recent call last):",
        '  File "a.py", line 1, in x',
        "ConnectionRefusedError: [Errno 111] Connection refused",
        "",
        "The above exception was the direct cause of the following exception:",
        "",
        "Traceback (most recent call last):",
        '  File "b.py", line 2, in y',
        "redis.exceptions.ConnectionError: Error 111 connecting to db:6379",
        "2026-11-23 13:55:49,000 INFO [orders] next",
    )
    assert [(r.line, r.line_count) for r in records] == [(1, 10), (11, 1)]
    attributes = records[0].attributes
    assert attributes["exception.type"] == "redis.exceptions.ConnectionError"
    assert attributes["exception.cause.type"] == "ConnectionRefusedError"
    assert attributes["exception.cause.message"] == "[Errno 111] Connection refused"
    assert str(attributes["exception.stacktrace"]).startswith("Traceback")
    assert records[0].body.startswith("could not place order 17\nTraceback")
    assert records[0].original.startswith("2026-11-23 13:55:48,555 ERROR")


def test_a_traceback_after_an_unrelated_line_is_its_own_error() -> None:
    """An access line did not raise it; its time is that of the line above."""
    records = parse(
        '10.0.0.7 - - [23/Nov/2026:13:59:06 +0000] "GET / HTTP/1.1" 200 9',
        "Traceback (most recent call last):",
        '  File "a.py", line 1, in x',
        "KeyError: 'price'",
        '10.0.0.7 - - [23/Nov/2026:13:59:07 +0000] "GET / HTTP/1.1" 500 9',
    )
    assert [r.line_count for r in records] == [1, 3, 1]
    assert [r.severity_number for r in records] == [INFO, ERROR, ERROR]
    assert records[1].timestamp == records[0].timestamp
    assert records[1].attributes[INFERRED_TIME] is True


def test_a_node_crash_dump_is_one_fatal_record() -> None:
    """File, code, caret, exception, frames and version line belong together."""
    records = parse(
        '{"level":30,"time":1795442475172,"name":"gateway","msg":"up"}',
        "/srv/app/g.js:8",
        "throw new Error('x')",
        "^",
        "",
        "TypeError: Cannot read properties of undefined (reading 'profile')",
        "    at /srv/app/g.js:8:89",
        "",
        "Node.js v20.20.2",
        '{"level":30,"time":1795442475999,"name":"gateway","msg":"up again"}',
    )
    assert [r.line_count for r in records] == [1, 8, 1]
    assert records[1].severity_number == FATAL
    assert records[1].attributes["exception.type"] == "TypeError"
    assert {r.service for r in records} == {"gateway"}


def test_lines_of_a_stderr_stream_without_headers_end_with_the_exception() -> None:
    """In plain text nothing but the exception itself says where a trace ends."""
    records = parse(
        "starting",
        "Traceback (most recent call last):",
        '  File "a.py", line 1, in x',
        "psycopg.OperationalError: connection failed",
        "DETAIL: refused",
        "shutting down",
    )
    assert [r.body.split("\n")[0] for r in records] == [
        "starting",
        "Traceback (most recent call last):",
        "shutting down",
    ]


def test_details_of_another_process_do_not_join() -> None:
    """PostgreSQL's DETAIL explains the record of the same pid only."""
    head = "2026-11-23 14:00:02.305 UTC"
    records = parse(
        f"{head} [1] ERROR:  deadlock detected",
        f"{head} [1] DETAIL:  Process 1 waits",
        f"{head} [2] STATEMENT:  select 1",
    )
    assert [r.line_count for r in records] == [2, 1]


def test_a_container_runtime_splits_what_we_join_again() -> None:
    """A trace in a Docker json-file comes one JSON object a line."""
    stderr = '","stream":"stderr","time":"2026-11-23T12:00:00.2Z"}'
    records = parse(
        '{"log":"2026-11-23 12:00:00,100 ERROR [orders] boom\\n' + stderr,
        '{"log":"Traceback (most recent call last):\\n' + stderr,
        '{"log":"  File \\"a.py\\", line 1, in x\\n' + stderr,
        '{"log":"KeyError: 1\\n' + stderr,
        '{"log":"ready\\n","stream":"stdout","time":"2026-11-23T12:00:00.3Z"}',
    )
    assert [r.line_count for r in records] == [4, 1]
    assert records[0].attributes["exception.type"] == "KeyError"
    assert records[0].body.endswith('  File "a.py", line 1, in x\nKeyError: 1')


def test_a_secret_is_nowhere_in_the_record() -> None:
    """Not in the body, the attributes, the original, nor behind an escape."""
    records = parse(
        '{"level":"error","msg":"login","dsn":"postgres://u:hunter2@db/x","password":"hunter2"}',
        '{"level":"error","msg":"pass\\u0077ord=hunter2"}',
        "2026-11-23 12:00:00,100 ERROR [orders] token=hunter2",
        "-----BEGIN PRIVATE KEY-----",
        "hunter2",
        "-----END PRIVATE KEY-----",
        "2026-11-23 12:00:00,100 INFO [orders] after",
    )
    assert "hunter2" not in repr(records)
    assert records[-1].body == "after"


def test_a_huge_line_is_cut_and_its_neighbours_stay() -> None:
    """The marker counts the bytes that are gone."""
    records = parse("a", "x" * (5 * MAX_BODY), "b")
    assert [(r.line, len(r.body)) for r in records] == [(1, 1), (2, MAX_BODY), (3, 1)]
    assert records[1].attributes[TRUNCATED] == 4 * MAX_BODY


def test_a_record_spans_a_bounded_number_of_lines() -> None:
    """What follows begins another record, no line is lost."""
    records = parse("2026-11-23 12:00:00,100 ERROR [orders] x", *["  frame"] * 2500)
    assert sum(r.line_count for r in records) == 2501
    assert max(r.line_count for r in records) == MAX_LINES


def test_control_characters_become_visible_and_colours_go() -> None:
    """No terminal and no page obeys what a log holds."""
    (record,) = parse("\x1b[31mred\x1b[0m \x00 \x1b]0;title\x07 \u202egpj.exe \ud800\r")
    assert record.body == "red \\x00  \\u202egpj.exe \\ud800"


def test_broken_json_is_kept_as_text() -> None:
    """Nothing is lost because a brace is missing, however deep it nests."""
    texts = ['{"level":"error","msg":"x"', "{" * 5000, '{"a":' * 3000 + "1" + "}" * 3000]
    assert [r.body for r in parse(*texts)] == texts


def test_json_fields_keep_their_kinds() -> None:
    """Numbers too big for storage become text; lists of objects become JSON."""
    (record,) = parse('{"msg":"x","big":99999999999999999999,"f":NaN,"l":[{"a":1}],"n":null}')
    assert record.attributes["big"] == "99999999999999999999"
    assert record.attributes["f"] == "NaN"
    assert record.attributes["l"] == '[{"a": 1}]'
    assert "n" not in record.attributes


def test_trace_ids_are_read_from_json() -> None:
    """They tie a record to its request."""
    (record,) = parse('{"level":"warn","msg":"x","trace_id":"4bf9","span_id":"00f0"}')
    assert (record.trace_id, record.span_id, record.severity_number) == ("4bf9", "00f0", WARN)


def test_the_original_is_kept_where_parsing_changed_the_text() -> None:
    """And not where it did not."""
    first, second = (
        parse("2026-11-23 12:00:00,100 ERROR [orders] x", "no header here")[0],
        parse("no header here")[0],
    )
    assert first.attributes[ORIGINAL] == "2026-11-23 12:00:00,100 ERROR [orders] x\nno header here"
    assert ORIGINAL not in second.attributes
