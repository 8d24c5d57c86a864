"""The dashboard in a real browser: the system's Chromium, driven by Playwright."""

import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

import httpx
from playwright.sync_api import ConsoleMessage, Page, Request, expect

from interfaces.dashboard.launch import dashboard_command

FLAGS = [
    "--no-sandbox",  # CI runs as root, where Chromium's sandbox does not start
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
_PROBE = re.compile(r"/[a-z]+/_stcore/(health|host-config)$")
PATIENCE_MS = 60_000
"""A slow machine is no failure."""


def chromium() -> str | None:
    """Where the system's Chromium is; None without one."""
    names = ("chromium", "chromium-browser", "google-chrome")
    return next((found for name in names if (found := shutil.which(name))), None)


def free_port() -> int:
    """A port nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port


@contextmanager
def dashboard(api_url: str, log: Path) -> Iterator[str]:
    """The dashboard as a process of its own, as users start it; yields its address."""
    port = free_port()
    root = Path(__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    with log.open("wb") as output:
        process = subprocess.Popen(
            dashboard_command(api_url, port),
            cwd=root,
            env=environment,
            stdout=output,
            stderr=output,
        )
        try:
            _wait_until_up(f"http://127.0.0.1:{port}", process, log)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait_until_up(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    give_up = time.monotonic() + 120
    while time.monotonic() < give_up:
        if process.poll() is not None:
            raise RuntimeError(f"the dashboard ended at once:\n{log.read_text()}")
        try:
            if httpx.get(f"{url}/_stcore/health", trust_env=False, timeout=2).is_success:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.2)
    raise RuntimeError(f"the dashboard did not come up:\n{log.read_text()}")


@dataclass
class Screen:
    """A browser page on the dashboard that remembers what went wrong on it."""

    page: Page
    url: str
    complaints: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.set_default_timeout(PATIENCE_MS)
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", self._asked)

    def _heard(self, message: ConsoleMessage) -> None:
        # Streamlit finds its own root on a deep link by asking beside the page first.
        probe = _PROBE.search(str(message.location.get("url", "")))
        if message.type == "error" and not probe:
            self.complaints.append(message.text)

    def _asked(self, request: Request) -> None:
        if request.url.startswith(("http", "ws")) and "//127.0.0.1:" not in request.url:
            self.complaints.append(f"asked the network for {request.url}")

    def open(self, place: str = "", **params: str) -> None:
        """Go to a page and wait until it stands still."""
        query = f"?{urlencode(params)}" if params else ""
        self.page.goto(f"{self.url}/{place}{query}")
        self.settle()

    def settle(self) -> None:
        """Wait until Streamlit has finished its run and shows no skeleton."""
        app = self.page.get_by_test_id("stApp")
        expect(app).to_have_attribute("data-test-script-state", "notRunning", timeout=PATIENCE_MS)
        expect(self.page.locator(".ao").first).to_be_visible(timeout=PATIENCE_MS)
        expect(self.page.get_by_test_id("stSkeleton")).to_have_count(0, timeout=PATIENCE_MS)

    def shows(self, text: str) -> None:
        """The text stands on the page, as text."""
        expect(self.page.get_by_test_id("stApp")).to_contain_text(text, timeout=PATIENCE_MS)

    def is_sound(self) -> None:
        """No exception box, no console error, no request that left the machine."""
        expect(self.page.get_by_test_id("stException")).to_have_count(0)
        assert self.complaints == []
