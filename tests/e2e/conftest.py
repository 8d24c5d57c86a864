"""Browser tests need a Chromium: without one they are left out aloud, in CI they fail."""

import os

import pytest

from tests.e2e.browser import chromium

_LEFT_OUT = pytest.StashKey[int]()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the browser tests out where no browser is; in CI they stay, and fail."""
    if chromium() is not None or os.environ.get("CI"):
        return
    left_out = [item for item in items if item.get_closest_marker("browser")]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if not item.get_closest_marker("browser")]
        config.stash[_LEFT_OUT] = config.stash.get(_LEFT_OUT, 0) + len(left_out)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say it where everybody looks."""
    count = terminalreporter.config.stash.get(_LEFT_OUT, 0)
    if count:
        terminalreporter.section("NOT TESTED: the dashboard", sep="!", red=True, bold=True)
        terminalreporter.line(
            f"{count} browser tests were left out: there is no Chromium on this machine; "
            "install it (Debian: apt-get install chromium) and run again",
            red=True,
        )
