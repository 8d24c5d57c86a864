"""The `aiops` command as a user runs it: another process, another folder, a clean environment."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parents[2]
COMMAND = (sys.executable, "-c", "from interfaces.cli.main import main; main()")


def environment(home: Path, extra: Mapping[str, str] = {}) -> dict[str, str]:
    """What a fresh login has: no setting of ours, a home of its own."""
    kept = {
        name: os.environ[name] for name in ("PATH", "LANG", "LD_LIBRARY_PATH") if name in os.environ
    }
    home.mkdir(exist_ok=True)
    temporary = home / "tmp"
    temporary.mkdir(exist_ok=True)
    return {
        **kept,
        "HOME": str(home),
        "TMPDIR": str(temporary),
        "PYTHONPATH": str(REPOSITORY),
        "PYTHONDONTWRITEBYTECODE": "1",
        "NO_PROXY": "*",
        **extra,
    }


@dataclass(frozen=True)
class Ran:
    """What a finished command left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one JSON document on stdout."""
        assert self.out, self.err
        return json.loads(self.out)

    @property
    def complaint(self) -> str:
        """The one line on stderr."""
        lines = self.err.strip().split("\n")
        assert len(lines) == 1, self.err
        assert lines[0], "nothing was said"
        assert "Traceback" not in self.err
        assert "unexpected" not in self.err
        return lines[0]


class CommandLine:
    """Runs `aiops` with a home below `folder`, in a folder of its own."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.folder = folder
        self.home = folder / "home"
        self.data = folder / "data"
        self.settings = settings
        self.environment = environment(self.home, settings)
        self._started: list[subprocess.Popen[bytes]] = []

    def __call__(
        self,
        *arguments: object,
        stdin: bytes = b"",
        wrapper: Sequence[str] = (),
        settings: Mapping[str, str] = {},
    ) -> Ran:
        """Run to the end."""
        return self._run([*wrapper, *COMMAND, *map(str, arguments)], stdin, settings)

    def python(self, program: str, *arguments: object) -> Ran:
        """Run a program of the test's own that calls `main` itself."""
        return self._run([sys.executable, "-c", program, *map(str, arguments)], b"", {})

    def _run(self, command: Sequence[str], stdin: bytes, settings: Mapping[str, str]) -> Ran:
        ran = subprocess.run(
            command,
            input=stdin,
            capture_output=True,
            cwd=self.folder,
            env={**self.environment, **settings},
            timeout=120,
            check=False,
        )
        return Ran(ran.returncode, ran.stdout.decode(), ran.stderr.decode())

    def start(self, *arguments: object, **how: Any) -> "subprocess.Popen[bytes]":
        """Start and leave it running; the caller ends it."""
        how = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **how}
        process = subprocess.Popen(
            [*COMMAND, *map(str, arguments)], cwd=self.folder, env=self.environment, **how
        )
        self._started.append(process)
        return process

    def end(self) -> None:
        """End what a failed test left running."""
        for process in self._started:
            if process.poll() is None:
                process.kill()
            process.communicate()


def children_of(pid: int) -> list[int]:
    """Every process below this one."""
    import psutil

    return [child.pid for child in psutil.Process(pid).children(recursive=True)]
