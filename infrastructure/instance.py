"""One process writes a data directory; the others find it and ask it."""

import fcntl
import json
import os
import time
from pathlib import Path
from typing import IO, Any

import httpx

LOCK_FILE = "instance.lock"
_WAIT = 2.0
"""Seconds a command waits for another one to finish; a service is not waited for."""


class AlreadyRunning(Exception):
    """Another process holds the data directory."""

    def __init__(self, data: Path, pid: int, url: str) -> None:
        where = f", at {url}" if url else ""
        super().__init__(
            f"AI Ops Copilot already works on {data} (process {pid}{where}): "
            "stop it first, or use another directory with --data DIR"
        )
        self.url = url


class DataDirectoryUnusable(Exception):
    """The data directory cannot be made or written."""


class Instance:
    """The hold of this process on a data directory, as long as it lives."""

    def __init__(self, data: Path) -> None:
        """Take hold. Raises AlreadyRunning, DataDirectoryUnusable."""
        self._file: IO[str] | None = None
        try:
            data.mkdir(parents=True, exist_ok=True, mode=0o700)
            file = open(data / LOCK_FILE, "a+", encoding="utf-8")  # noqa: SIM115 - held until release
        except OSError as error:
            raise DataDirectoryUnusable(
                f"the data directory {data} cannot be written: {error.strerror}; "
                "check its owner, permissions and free space, or use another with --data DIR"
            ) from error
        deadline = time.monotonic() + _WAIT
        while not _locked(file):
            told = _told(file)
            if told.get("url") or time.monotonic() > deadline:
                file.close()
                raise AlreadyRunning(data, int(told.get("pid", 0)), str(told.get("url", "")))
            time.sleep(0.05)
        self._file = file
        self.announce("")

    def announce(self, url: str, *, mail_to: str = "") -> None:
        """Let others know where this process answers, and whom it tells of incidents by mail."""
        assert self._file is not None
        self._file.seek(0)
        self._file.truncate()
        json.dump({"pid": os.getpid(), "url": url, "mail_to": mail_to}, self._file)
        self._file.flush()

    def release(self) -> None:
        """Let go of the directory."""
        if self._file is not None:
            self._file.close()
            self._file = None


def announced(data: Path) -> dict[str, Any]:
    """What the process that holds this data directory told: pid, url, mail_to; empty for none."""
    try:
        with open(data / LOCK_FILE, encoding="utf-8") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except OSError:
                return _told(file)
    except OSError:
        pass
    return {}


def running_api(data: Path) -> str | None:
    """The URL of the process that holds this data directory, when it answers; else None."""
    url = str(announced(data).get("url", ""))
    try:
        if (
            url
            and httpx.get(f"{url}/healthz", timeout=2.0, trust_env=False).status_code
            == httpx.codes.OK
        ):
            return url
    except httpx.HTTPError:
        return None
    return None


def _locked(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _told(file: IO[str]) -> dict[str, Any]:
    file.seek(0)
    try:
        told = json.load(file)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}
