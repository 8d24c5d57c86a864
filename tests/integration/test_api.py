"""The HTTP API, asked through HTTP: a real server on a real store."""

import asyncio
import gzip
import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from interfaces.api.app import create_app
from interfaces.api.bodies import MAX_BODY_BYTES
from tests.recorded_store import CAUSE, HOSTILE, QUOTE, TITLE
from tests.recorded_system import RecordedSystem


@pytest.fixture
def system(tmp_path: Path) -> Iterator[RecordedSystem]:
    running = RecordedSystem(tmp_path)
    yield running
    running.close()


@pytest.fixture
def api(system: RecordedSystem) -> Iterator[httpx.Client]:
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(create_app(system), log_level="warning", lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    port = listening.getsockname()[1]
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=30) as client:
        yield client
    server.should_exit = True
    thread.join(30)
    listening.close()


def problem(answer: httpx.Response, status: int) -> dict[str, Any]:
    """The answer's problem details, which every refusal must carry."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert body["status"] == status
    assert body["detail"]
    return body


def texts(api: httpx.Client, source: str) -> list[str]:
    """The originals of every record of a source, in order."""
    found = api.get("/api/v1/records", params={"source": source, "limit": 1000}).json()["items"]
    return [record["original"] for record in sorted(found, key=lambda r: r["sequence"])]


def test_an_incident_tells_its_root_cause_and_the_lines_that_prove_it(
    api: httpx.Client, system: RecordedSystem
) -> None:
    """One request holds diagnosis, evidence, remediation, investigation and mail."""
    incident = api.get(f"/api/v1/incidents/{system.story.diagnosed}").json()
    assert incident["title"] == TITLE
    assert incident["diagnosis"]["root_cause"] == CAUSE
    cited = incident["diagnosis"]["citations"][0]
    lines = {
        (e["record"]["source"], e["record"]["sequence"]): e["record"]["original"]
        for anomaly in incident["anomalies"]
        for e in anomaly["evidence"]
    }
    assert cited["quote"] == QUOTE
    assert QUOTE in lines[cited["source"], cited["sequence"]]
    assert incident["notifications"][0]["message_id"] == "<1@aiops.example>"


def test_the_beginning_of_an_id_is_enough(api: httpx.Client, system: RecordedSystem) -> None:
    """People type short ids."""
    whole = str(system.story.diagnosed)
    assert api.get(f"/api/v1/incidents/{whole[:8]}").json()["id"] == whole


def test_incidents_are_filtered_and_paged(api: httpx.Client, system: RecordedSystem) -> None:
    """Following the cursor gives every incident once; filters leave the others out."""
    first = api.get("/api/v1/incidents", params={"limit": 1}).json()
    second = api.get(
        "/api/v1/incidents", params={"limit": 1, "cursor": first["next_cursor"]}
    ).json()
    ids = {item["id"] for page in (first, second) for item in page["items"]}
    assert ids == {str(system.story.diagnosed), str(system.story.fresh)}
    assert second["next_cursor"] is None
    critical = api.get("/api/v1/incidents", params={"criticality": "critical"}).json()["items"]
    assert [item["id"] for item in critical] == [str(system.story.diagnosed)]


def test_the_audit_trail_leads_from_the_mail_back_to_the_bytes(
    api: httpx.Client, system: RecordedSystem
) -> None:
    """Walking causation ids from the delivered mail ends at the chunk and its source."""
    trail = api.get(f"/api/v1/incidents/{system.story.diagnosed}/audit").json()["events"]
    by_id = {entry["id"]: entry for entry in trail}
    step = next(entry for entry in trail if entry["event"] == "NotificationDelivered")
    walked = [step["event"]]
    while step["causation_id"]:
        step = by_id[step["causation_id"]]
        walked.append(step["event"])
    assert walked[-2:] == ["RecordsAppended", "SourceRegistered"]
    assert [e["position"] for e in trail] == sorted(e["position"] for e in trail)


def test_acknowledging_resolving_and_reopening_show_at_once(
    api: httpx.Client, system: RecordedSystem
) -> None:
    """A command's answer comes when the read model shows what it did."""
    path = f"/api/v1/incidents/{system.story.fresh}"
    for command, state in (
        ("acknowledge", "acknowledged"),
        ("resolve", "resolved"),
        ("reopen", "open"),
    ):
        answer = api.post(f"{path}/{command}", json={"by": "ada"}).json()
        assert (answer["state"], answer["visible"]) == (state, True)
        assert api.get(path).json()["state"] == state


def test_acknowledging_twice_changes_nothing(api: httpx.Client, system: RecordedSystem) -> None:
    """The second answer has no position: nothing was recorded."""
    path = f"/api/v1/incidents/{system.story.fresh}/acknowledge"
    assert api.post(path, json={"by": "ada"}).json()["position"] is not None
    assert api.post(path, json={"by": "bob"}).json()["position"] is None


def test_acknowledging_what_is_resolved_is_a_conflict(
    api: httpx.Client, system: RecordedSystem
) -> None:
    """409 says to reopen it first."""
    path = f"/api/v1/incidents/{system.story.fresh}"
    api.post(f"{path}/resolve", json={"note": "fixed"})
    assert "reopen" in problem(api.post(f"{path}/acknowledge", json={}), 409)["detail"]


def test_feedback_is_kept(api: httpx.Client, system: RecordedSystem) -> None:
    """A verdict shows on the incident, with who gave it."""
    path = f"/api/v1/incidents/{system.story.diagnosed}"
    verdict = {"by": "ada", "correct": False, "root_cause": "a runaway query"}
    assert api.post(f"{path}/feedback", json=verdict).status_code == 200
    assert api.get(path).json()["feedback"][0]["root_cause"] == "a runaway query"


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


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/v1/incidents/ffffffffffff", 404),
        ("/api/v1/incidents/ffffffffffff/audit", 404),
        ("/api/v1/audit/ffffffffffff", 404),
        ("/api/v1/audit/zz", 404),
        ("/api/v1/incidents?cursor=mine", 400),
        ("/api/v1/incidents?limit=0", 422),
        ("/api/v1/incidents?state=tired", 422),
        ("/api/v1/overview?minutes=999999999", 422),
        ("/api/v1/search?q=", 422),
        ("/nothing/here", 404),
    ],
)
def test_what_cannot_be_answered_is_explained(api: httpx.Client, path: str, status: int) -> None:
    """Each refusal is a problem with what to do."""
    problem(api.get(path), status)


def test_a_wrong_method_is_a_problem_too(api: httpx.Client) -> None:
    """405 looks like every other refusal."""
    problem(api.delete("/api/v1/incidents"), 405)


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "localhost@evil", ""])
def test_a_foreign_host_name_is_refused(api: httpx.Client, host: str) -> None:
    """DNS rebinding reaches the port, not the data."""
    problem(api.get("/api/v1/incidents", headers={"host": host}), 421)


@pytest.mark.parametrize("host", ["localhost:9", "127.0.0.1", "[::1]:80", "LOCALHOST"])
def test_the_loopback_names_are_served(api: httpx.Client, host: str) -> None:
    """With and without a port."""
    assert api.get("/healthz", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [{"origin": "https://evil.example"}, {"origin": "null"}, {"sec-fetch-site": "cross-site"}],
)
def test_a_page_of_another_site_cannot_write(
    api: httpx.Client, system: RecordedSystem, headers: dict[str, str]
) -> None:
    """A form or script elsewhere may reach us from the user's browser; it changes nothing."""
    path = f"/api/v1/incidents/{system.story.fresh}"
    problem(api.post(f"{path}/resolve", json={}, headers=headers), 403)
    text = {**headers, "content-type": "text/plain"}
    problem(api.post("/api/v1/logs", content=b"x", headers=text), 403)
    assert api.get(path).json()["state"] == "open"


def test_the_description_page_needs_no_network(api: httpx.Client) -> None:
    """/docs loads its script and style from here, under a policy that allows nothing else."""
    page = api.get("/docs")
    assert page.status_code == 200
    assert "://" not in page.text
    assert "script-src 'self' 'sha256-" in page.headers["content-security-policy"]
    for asset in ("swagger-ui-bundle.js", "swagger-ui.css"):
        assert f"/docs/assets/{asset}" in page.text
        assert api.get(f"/docs/assets/{asset}").status_code == 200


def test_the_probes_tell_alive_from_ready(api: httpx.Client, system: RecordedSystem) -> None:
    """Alive is always 200; ready is 503 while a part does not work."""
    assert api.get("/healthz").json() == {"status": "ok"}
    assert api.get("/readyz").status_code == 200


def test_metrics_are_prometheus_text(api: httpx.Client) -> None:
    """Every sample belongs to a declared family; requests are counted by route, not by path."""
    api.get("/api/v1/incidents/ffffffffffff")
    answer = api.get("/metrics")
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    declared = {line.split()[2] for line in answer.text.splitlines() if line.startswith("# TYPE")}
    samples = [line for line in answer.text.splitlines() if not line.startswith("#")]
    for line in samples:
        name, _, value = line.replace("{", " ", 1).partition(" ")
        family = name.removesuffix("_bucket").removesuffix("_sum").removesuffix("_count")
        assert family in declared, line
        float(line.rpartition(" ")[2])
        assert value
    assert 'aiops_records_total{source="postgres"} 45' in samples
    assert any('route="/api/v1/incidents/{incident_id}"' in line for line in samples), answer.text
    assert "ffffffffffff" not in answer.text


def test_every_read_address_answers_as_it_is_described(
    api: httpx.Client, system: RecordedSystem
) -> None:
    """Each GET of the OpenAPI description gives a documented status and JSON of its shape."""
    described = api.get("/openapi.json").json()
    filled = {"incident_id": str(system.story.diagnosed), "any_id": str(system.story.diagnosed)}
    asked = 0
    for path, methods in described["paths"].items():
        if "get" not in methods:
            continue
        address = path.format(**filled, source="postgres", sequence=42)
        params = {"q": "disk"} if path.endswith("/search") else {}
        answer = api.get(address, params=params)
        assert answer.status_code == 200, (path, answer.text)
        assert "200" in methods["get"]["responses"]
        assert "421" in methods["get"]["responses"], path
        asked += 1
    assert asked >= 12
    references = set(_references(described))
    assert references <= set(described["components"]["schemas"])


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if "$ref" in node:
            yield node["$ref"].removeprefix("#/components/schemas/")
        for value in node.values():
            yield from _references(value)
    elif isinstance(node, list):
        for value in node:
            yield from _references(value)


def test_answers_are_json_a_strict_reader_takes(api: httpx.Client) -> None:
    """No NaN or Infinity in the overview, also before anything was measured."""
    body = api.get("/api/v1/overview").text

    def refuse(constant: str) -> None:
        pytest.fail(f"{constant} is no JSON")

    json.loads(body, parse_constant=refuse)


def test_a_failure_of_the_store_is_told_with_its_remedy(
    api: httpx.Client, system: RecordedSystem, tmp_path: Path
) -> None:
    """A read model that is gone gives 503 and says how to make it anew, not a stack trace."""
    system.models["history"].close()
    for damaged in tmp_path.glob("history.db*"):
        damaged.write_bytes(b"this is no database" * 1000)
    answer = api.get("/api/v1/incidents")
    assert "aiops rebuild history" in problem(answer, 503)["detail"]


@pytest.mark.parametrize(
    ("setting", "host", "status"),
    [
        ("logs.example.org", "logs.example.org:8080", 200),
        ("::1", "[::1]", 200),
        ("fd00::7", "[fd00::7]:80", 200),
        ("fd00::7", "", 421),
        ("", "", 421),
    ],
)
def test_further_names_can_be_allowed(
    system: RecordedSystem, setting: str, host: str, status: int
) -> None:
    """The name that people use for the machine, an IPv6 address too; never no name at all."""
    app = create_app(system, [setting])

    async def ask() -> int:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return (await client.get("/healthz", headers={"host": host})).status_code

    assert asyncio.run(ask()) == status
