"""The API served to real HTTP clients, on a recorded story."""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from interfaces.api.app import create_app
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
