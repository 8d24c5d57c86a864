"""Logs sent to the API: what comes in, and what is refused with words."""

import gzip
from typing import Any

import httpx
import pytest

from interfaces.api.bodies import MAX_BODY_BYTES
from tests.integration.api_server import problem, texts
from tests.recorded_store import HOSTILE, QUOTE
from tests.recorded_system import RecordedSystem


@pytest.mark.parametrize(
    ("content_type", "body", "expected"),
    [
        ("application/x-ndjson", b'{"a":1}\n{broken\n', ['{"a":1}', "{broken"]),
        ("text/plain", "one\r\ntwo \u2028 still two\n".encode(), ["one", "two \u2028 still two"]),
        ("application/json", b'[{"a": 1}, "plain", "x\\ny"]', ['{"a":1}', "plain", "x", "y"]),
        ("application/json", b'{"a": 1}', ['{"a":1}']),
        ("text/plain", b"caf\xe9", ["caf\\xe9"]),
    ],
)
def test_lines_come_in_as_they_are(
    api: httpx.Client, content_type: str, body: bytes, expected: list[str]
) -> None:
    """NDJSON, text and JSON arrays; a broken line is text, invalid UTF-8 stays readable."""
    headers = {"content-type": content_type}
    answer = api.post("/api/v1/logs", params={"source": "new"}, content=body, headers=headers)
    assert answer.status_code == 202
    assert answer.json()["accepted"] == len(expected)
    assert answer.json()["position"] > 0
    assert texts(api, "new") == expected


def test_gzip_is_unpacked_member_by_member(api: httpx.Client) -> None:
    """Two gzip members behind each other are one body (RFC 1952)."""
    headers = {"content-type": "text/plain", "content-encoding": "gzip"}
    body = gzip.compress(b"one\n") + gzip.compress(b"two\n")
    assert api.post("/api/v1/logs?source=zip", content=body, headers=headers).status_code == 202
    assert texts(api, "zip") == ["one", "two"]


def test_a_small_body_that_unpacks_to_gigabytes_is_refused(api: httpx.Client) -> None:
    """Unpacking stops at the limit, long before memory does."""
    bomb = gzip.compress(b"\0" * (MAX_BODY_BYTES * 4))
    assert len(bomb) < MAX_BODY_BYTES / 100
    headers = {"content-type": "text/plain", "content-encoding": "gzip"}
    problem(api.post("/api/v1/logs", content=bomb, headers=headers), 413)


def test_a_body_over_the_limit_is_refused_with_and_without_its_length(api: httpx.Client) -> None:
    """The declared length is refused unread, a stream when it grows too long."""
    body = b"x" * (MAX_BODY_BYTES + 1)
    headers = {"content-type": "text/plain"}
    problem(api.post("/api/v1/logs", content=body, headers=headers), 413)
    stream = iter([body[: MAX_BODY_BYTES // 2]] * 3)
    problem(api.post("/api/v1/logs", content=stream, headers=headers), 413)


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({"content-type": "application/json"}, b"[broken", 400),
        ({"content-type": "application/json"}, b"[" * 200_000, 400),
        ({"content-type": "text/plain", "content-encoding": "gzip"}, b"no gzip", 400),
        (
            {"content-type": "text/plain", "content-encoding": "gzip"},
            gzip.compress(b"x", mtime=0)[:-4],
            400,
        ),
        ({"content-type": "text/plain", "content-encoding": "br"}, b"x", 415),
        ({"content-type": "image/png"}, b"x", 415),
    ],
)
def test_a_body_that_cannot_be_read_is_explained(
    api: httpx.Client, headers: dict[str, str], body: bytes, status: int
) -> None:
    """Every refusal says what was wrong; nothing is taken in."""
    problem(api.post("/api/v1/logs?source=bad", content=body, headers=headers), status)
    assert texts(api, "bad") == []


def test_a_full_queue_says_when_to_come_back(api: httpx.Client, system: RecordedSystem) -> None:
    """429 with Retry-After in whole seconds, rounded up."""
    system.queue_full = True
    answer = api.post("/api/v1/logs", content=b"x", headers={"content-type": "text/plain"})
    problem(answer, 429)
    assert answer.headers["retry-after"] == "3"


def test_a_source_that_is_no_name_is_refused(api: httpx.Client) -> None:
    """A source becomes part of every record's address, so it is a plain name."""
    answer = api.post(
        "/api/v1/logs",
        params={"source": "../a#b"},
        content=b"x",
        headers={"content-type": "text/plain"},
    )
    assert "source" in problem(answer, 422)["detail"]


def test_hostile_text_travels_as_data(api: httpx.Client, system: RecordedSystem) -> None:
    """Markup and escapes come back as the characters they are, in JSON that no browser renders."""
    headers = {"content-type": "application/x-ndjson"}
    api.post("/api/v1/logs?source=evil", content=(HOSTILE + "\n").encode(), headers=headers)
    answer = api.get("/api/v1/records", params={"source": "evil"})
    assert answer.json()["items"][0]["original"] == HOSTILE
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    fresh = api.get(f"/api/v1/incidents/{system.story.fresh}").json()
    assert HOSTILE in fresh["title"]


def test_a_record_is_shown_among_its_neighbours(api: httpx.Client) -> None:
    """What `postgres#42` in a citation points to."""
    found = api.get("/api/v1/records/postgres/42", params={"count": 2}).json()
    assert QUOTE in found["record"]["original"]
    assert [record["sequence"] for record in found["before"]] == [40, 41]
    assert [record["sequence"] for record in found["after"]] == [43, 44]
    problem(api.get("/api/v1/records/postgres/9999"), 404)


def test_records_are_found_by_word_severity_and_time(
    api: httpx.Client, system: RecordedSystem
) -> None:
    """Filters hold together; times are nanoseconds or ISO 8601."""
    params: dict[str, Any] = {"source": "orders", "min_severity": "error", "limit": 3}
    page = api.get("/api/v1/records", params=params).json()
    assert len(page["items"]) == 3
    assert page["truncated"]
    assert {record["severity"] for record in page["items"]} == {"error"}
    params = {"text": QUOTE, "after": "2001-01-01T00:00:00Z"}
    assert len(api.get("/api/v1/records", params=params).json()["items"]) == 2
    params = {"text": QUOTE, "after": str(system.story.began + 3600 * 10**9)}
    assert api.get("/api/v1/records", params=params).json()["items"] == []
    problem(api.get("/api/v1/records", params={"after": "yesterday-ish"}), 422)
    problem(api.get("/api/v1/records", params={"min_severity": "loud"}), 422)


def test_search_finds_the_incident_and_says_how(api: httpx.Client, system: RecordedSystem) -> None:
    """Hits name what they are and why they were found."""
    hits = api.get("/api/v1/search", params={"q": "no space left"}).json()["hits"]
    assert str(system.story.diagnosed) in {hit["id"] for hit in hits}
    assert all(hit["found_by"] for hit in hits)
