"""How to start the dashboard as a process of its own."""

import sys
from pathlib import Path

API_URL_VARIABLE = "AIOPS_API_URL"
"""Environment variable that tells the dashboard where the API is."""

_FLAGS = {
    "server.headless": "true",
    "server.fileWatcherType": "none",
    "server.runOnSave": "false",
    "server.showEmailPrompt": "false",
    "server.enableStaticServing": "false",
    "server.maxUploadSize": "1",
    "browser.gatherUsageStats": "false",
    "client.toolbarMode": "minimal",
    "client.showErrorDetails": "type",
    "client.showErrorLinks": "false",
    "logger.hideWelcomeMessage": "true",
    "logger.level": "warning",
    "theme.font": "system-ui, sans-serif",
    "theme.codeFont": "ui-monospace, monospace",
    "theme.baseRadius": "small",
    "theme.baseFontSize": "15",
    "theme.light.primaryColor": "#0063A6",
    "theme.dark.primaryColor": "#2E86C1",
    "theme.dark.backgroundColor": "#14171C",
    "theme.dark.secondaryBackgroundColor": "#1D222A",
}
"""Streamlit's settings: nothing leaves the machine, both themes, fonts of the system."""


def dashboard_command(
    api_url: str, port: int, host: str = "127.0.0.1", allowed_hosts: tuple[str, ...] = ()
) -> list[str]:
    """The command that serves the dashboard on `host:port`, reading the API at `api_url`.

    allowed_hosts: names besides the loopback ones under which browsers may reach it; Streamlit
    refuses the others, which keeps DNS rebinding out.
    """
    script = Path(__file__).with_name("app.py")
    hosts = dict.fromkeys(("localhost", "127.0.0.1", "[::1]", *allowed_hosts))
    if host not in ("127.0.0.1", "localhost", "::1", "0.0.0.0", "::"):  # noqa: S104 - compared, not bound
        hosts[host] = None
    flags = [f"--{name}={value}" for name, value in _FLAGS.items()]
    return [
        *(sys.executable, "-m", "interfaces.dashboard.serve", str(script)),
        *(f"--server.address={host}", f"--server.port={port}"),
        *(f"--server.allowedHosts={name}" for name in hosts),
        *flags,
        *("--", "--api-url", api_url),
    ]
