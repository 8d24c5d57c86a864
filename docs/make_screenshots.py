"""Makes docs/images anew: plays the demo and photographs its incident in the system's Chromium.

    .venv/bin/python docs/make_screenshots.py

Needs what `make setup` installs and a Chromium (Debian: apt-get install chromium).
"""

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from playwright.sync_api import Page, expect, sync_playwright

ROOT = Path(__file__).parents[1]
IMAGES = ROOT / "docs" / "images"
WIDTH, HEIGHT = 1300, 850
PATIENCE_MS = 60_000
AIOPS = (sys.executable, "-c", "from interfaces.cli.main import main; main()")


def main() -> None:
    """Write overview.png, incident.png and audit.png."""
    browser = next(
        (found for name in ("chromium", "chromium-browser", "google-chrome")
         if (found := shutil.which(name))), None
    )  # fmt: skip
    if browser is None:
        sys.exit("no Chromium on this machine: install one (Debian: apt-get install chromium)")
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as data, sync_playwright() as playwright:
        subprocess.run([*AIOPS, "demo", "--once", "--data", data], cwd=ROOT, check=True)  # noqa: S603 - our own command
        with (
            running(data) as told,
            playwright.chromium.launch(executable_path=browser, args=["--no-sandbox"]) as chromium,
        ):
            page = chromium.new_page(viewport={"width": WIDTH, "height": HEIGHT})
            found = httpx.get(f"{told['api']}/api/v1/incidents", trust_env=False).json()
            incident = f"incident?id={found['items'][0]['id']}"
            photograph(page, f"{told['dashboard']}/?window=1+h", "overview")
            photograph(page, f"{told['dashboard']}/{incident}", "incident")
            photograph(
                page,
                f"{told['dashboard']}/{incident}&view=How+we+got+here",
                "audit",
                from_heading="Every fact, the last one first",
            )


@contextmanager
def running(data: str) -> Iterator[dict[str, str]]:
    """`aiops up` on the demo's data; yields where it answers."""
    command = [*AIOPS, "up", "--data", data, "--port", "0", "--dashboard-port", "0", "--json"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)  # noqa: S603
    try:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())
    finally:
        process.terminate()
        process.wait()


def photograph(page: Page, url: str, name: str, *, from_heading: str = "") -> None:
    """Save the page as it stands still, from the top or from a heading on."""
    while True:  # the dashboard starts a little after the API
        try:
            page.goto(url)
            break
        except Exception as error:
            if "ERR_CONNECTION_REFUSED" not in str(error):
                raise
            page.wait_for_timeout(200)
    app = page.get_by_test_id("stApp")
    expect(app).to_have_attribute("data-test-script-state", "notRunning", timeout=PATIENCE_MS)
    expect(page.locator(".ao").first).to_be_visible(timeout=PATIENCE_MS)
    page.wait_for_timeout(2_000)  # charts draw themselves
    if from_heading:
        page.get_by_role("heading", name=from_heading).evaluate("e => e.scrollIntoView()")
        page.wait_for_timeout(300)
    page.screenshot(path=IMAGES / f"{name}.png")


if __name__ == "__main__":
    main()
