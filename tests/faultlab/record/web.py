"""What the web families share: an application behind a proxy, certificates, visitors."""

import contextlib
import time
from pathlib import Path
from subprocess import Popen
from urllib import error, request

from tests.faultlab.record.laboratory import Laboratory

PAGES = ("/", "/articles", "/articles/17", "/cart", "/favicon.ico", "/health")


def application(lab: Laboratory, listens: int, name: str = "shop", slow: float = 0) -> Popen[bytes]:
    """Start the shop."""
    return lab.program(
        name, "shop_http.py", listens, ready=listens, environment={"SLOW": str(slow)}
    )


def visit(
    listens: int,
    times: int,
    pages: tuple[str, ...] = PAGES,
    pause: float = 0.05,
    body: bytes | None = None,
    patience: float = 5,
) -> None:
    """Ask for pages in turn; what comes back does not matter."""
    for number in range(times):
        url = f"http://127.0.0.1:{listens}{pages[number % len(pages)]}"
        asked = request.Request(
            url, data=body, headers={"User-Agent": "Mozilla/5.0 (X11; Linux x86_64) Firefox/128.0"}
        )
        with (
            contextlib.suppress(error.URLError, OSError),
            request.urlopen(asked, timeout=patience) as answer,
        ):
            answer.read()
        time.sleep(pause)


def certificate(lab: Laboratory, name: str, *options: str) -> tuple[Path, Path]:
    """A self-signed certificate and its key."""
    crt, key = lab.folder / f"{name}.crt", lab.folder / f"{name}.key"
    lab.quiet(
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-keyout",
        key,
        "-out",
        crt,
        "-subj",
        f"/CN={name}.shop.internal",
        *(options or ("-days", "30")),
    )
    return crt, key
