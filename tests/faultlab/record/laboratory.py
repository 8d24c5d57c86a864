"""A folder, free ports, and processes whose output is kept until everything is stopped."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

ROOT = Path("/srv/lab")
PROGRAMS = Path(__file__).with_name("programs")
PYTHON = str(ROOT / "venv" / "bin" / "python")
_CLEAN = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "HOME": "/srv/lab", "TZ": "UTC"}


class Laboratory:
    """One recording's servers and clients. Everything it started ends with it."""

    def __init__(self) -> None:
        self.folder = ROOT / "run"
        self._logs: dict[str, Path] = {}
        self._from: dict[str, int] = {}
        self._processes: list[subprocess.Popen[bytes]] = []
        self._mounts: list[Path] = []
        self._ends: list[Callable[[], object]] = []

    def __enter__(self) -> Self:
        shutil.rmtree(self.folder, ignore_errors=True)
        (self.folder / "log").mkdir(parents=True)
        ROOT.chmod(0o755)
        self.folder.chmod(0o755)
        (self.folder / "log").chmod(0o777)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.stop_everything()
        for mount in self._mounts:
            subprocess.run(["umount", "-l", str(mount)], check=False)

    def at_the_end(self, end: Callable[[], object]) -> None:
        """What else ends a server that leaves its starter's hands, or gives something back."""
        self._ends.append(end)

    def log(self, service: str) -> Path:
        """The file in which this service's lines are kept; anyone may append."""
        path = self.folder / "log" / f"{service}.log"
        if service not in self._logs:
            path.touch()
            path.chmod(0o666)
            self._logs[service] = path
        return path

    def forget(self, service: str) -> None:
        """This process's own words are no part of the case."""
        self._logs.pop(service, None)

    def keep_from_here(self, service: str) -> None:
        """What this service said until now (a long start) is no part of the case."""
        self._from[service] = self.log(service).stat().st_size

    def keep_until(self, service: str, text: str) -> None:
        """Where this service's log says `text` the case ends for it."""
        log = self.log(service)
        kept, _, _ = log.read_text(errors="replace").partition(text)
        log.write_text(kept[: kept.rfind("\n") + 1])

    def texts(self) -> dict[str, str]:
        """What every service wrote."""
        return {
            service: path.read_bytes()[self._from.get(service, 0) :].decode(errors="replace")
            for service, path in self._logs.items()
        }

    def place(self, name: str, owner: str = "root") -> Path:
        """A new folder for a server's data."""
        path = self.folder / name
        path.mkdir(parents=True, exist_ok=True)
        shutil.chown(path, owner)
        return path

    def write(self, name: str, text: str) -> Path:
        """A configuration file in the recording's folder."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def small_volume(self, name: str, megabytes: int, owner: str = "root") -> Path:
        """A memory file system of that size, to be filled."""
        path = self.place(name)
        options = f"size={megabytes}m,mode=0755"
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(path)], check=True)
        self._mounts.append(path)
        shutil.chown(path, owner)
        return path

    def start(
        self,
        service: str,
        command: Sequence[str | Path],
        *,
        user: str = "root",
        environment: Mapping[str, str] | None = None,
        folder: Path | None = None,
        ready: Callable[[], bool] | int | None = None,
        limits: Callable[[], None] | None = None,
    ) -> subprocess.Popen[bytes]:
        """Start a process that writes into its service's log; wait until it is ready.

        `ready` is a port that must answer, or a question asked until it says yes.
        """
        argv = [str(part) for part in command]
        if user != "root":
            argv = ["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups", *argv]
        with self.log(service).open("ab") as out:
            process = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                env=_CLEAN | dict(environment or {}),
                cwd=folder or self.folder,
                start_new_session=True,
                preexec_fn=limits,  # noqa: PLW1509 (no thread runs when limits are set)
            )
        self._processes.append(process)
        if ready is not None:
            question = (lambda: answers(ready)) if isinstance(ready, int) else ready
            wait_until(question, f"{service} is ready")
        return process

    def program(
        self, service: str, source: str, *arguments: object, **options: object
    ) -> subprocess.Popen[bytes]:
        """Start one of the programs beside this file as that service, from its own folder."""
        home = ROOT / service
        home.mkdir(exist_ok=True)
        script = home / Path(source).name
        shutil.copy(PROGRAMS / source, script)
        runner = {
            ".py": [PYTHON, "-u"],
            ".js": ["node"],
            ".rb": ["ruby"],
            ".php": ["php", "-d", "display_errors=stderr", "-d", "html_errors=0"],
        }
        command = [*runner[script.suffix], script, *map(str, arguments)]
        environment = {"NODE_PATH": str(ROOT / "node" / "node_modules"), "SERVICE": service}
        environment |= dict(options.pop("environment", None) or {})  # type: ignore[call-overload]
        return self.start(service, command, environment=environment, folder=home, **options)  # type: ignore[arg-type]

    def quiet(self, *command: str | Path, user: str = "root", seconds: float = 60) -> str:
        """Run a tool to its end; its output is returned and is no part of the logs."""
        argv = [str(part) for part in command]
        if user != "root":
            argv = ["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups", *argv]
        done = subprocess.run(
            argv,
            capture_output=True,
            text=True,
            env=_CLEAN,
            timeout=seconds,
            check=False,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
        )
        return done.stdout + done.stderr

    def stop_everything(self) -> None:
        """End every process this recording started, the youngest first."""
        while self._ends:
            self._ends.pop()()
        for process in reversed(self._processes):
            stop(process)
        self._processes.clear()


def stop(process: subprocess.Popen[bytes], with_signal: int = signal.SIGTERM) -> None:
    """End a process and those it started; kill what has not ended after 8 seconds."""
    if process.poll() is None:
        process.send_signal(with_signal)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(8)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def answers(port: int) -> bool:
    """Somebody accepts connections on this port of the loopback address."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.3):
        return True
    return False


def wait_until(question: Callable[[], bool], what: str, seconds: float = 40) -> None:
    """Ask until it says yes. Raises TimeoutError."""
    end = time.monotonic() + seconds
    while not question():
        if time.monotonic() > end:
            raise TimeoutError(what)
        time.sleep(0.1)


def port(wished: int) -> int:
    """The wished port when nobody has it, any free one otherwise."""
    for candidate in (wished, 0):
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", candidate))
            return int(probe.getsockname()[1])
    raise OSError("no free port")
