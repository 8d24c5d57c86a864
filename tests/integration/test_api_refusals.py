"""What the API refuses and how it describes itself."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from interfaces.api.app import create_app
from tests.integration.api_server import problem
from tests.recorded_system import RecordedSystem


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
