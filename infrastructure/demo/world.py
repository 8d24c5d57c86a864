"""The demo world: a gateway, an application, a data store and their customers, all real."""

import contextlib
import json
import os
import queue
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infrastructure.demo import programs
from infrastructure.demo.faults import FAULTS, Fault
from infrastructure.demo.programs import DemoUnavailable, Program

BASELINE_SECONDS = 8.0
"""How long the world should work before it is broken, so that healthy is known."""

START_SECONDS = 40.0
"""How long one program may take to serve on a busy machine."""

STOP_SECONDS = 10.0
"""How long the supervisor may take to end everything before it is killed."""


@dataclass(frozen=True)
class DemoProcess:
    """One running process of the world. `port` is None for one that serves nobody."""

    name: str
    technology: str
    pid: int
    port: int | None


class DemoWorld:
    """A few real processes at work, and one real fault. Listens on 127.0.0.1 only.

    `fault` is a name in FAULTS or `random`; `seed` makes traffic and the random choice repeatable.
    Raises ValueError for an unknown fault.
    """

    def __init__(
        self, directory: Path, *, fault: str = "store-full", seed: int | None = None
    ) -> None:
        self.directory = directory.resolve()
        self.notes: list[str] = []
        self._seed = seed if seed is not None else random.randrange(2**31)  # noqa: S311 - traffic
        self.fault = _choose(fault, self._seed)
        self._programs: dict[str, Program] = {}
        self._pids: dict[str, int] = {}
        self._supervisor: subprocess.Popen[bytes] | None = None
        self._heard: queue.Queue[dict[str, Any]] = queue.Queue()

    @property
    def processes(self) -> list[DemoProcess]:
        """What runs, in the order a request meets it."""
        return [
            DemoProcess(name, program.technology, self._pids[name], program.port)
            for name, program in self._programs.items()
            if name in self._pids
        ]

    def start(self) -> list[Path]:
        """Start everything, wait until all of it serves, return the log files.

        `notes` then says what this machine could not run. Raises DemoUnavailable.
        """
        logs = self.directory / "logs"
        logs.mkdir(parents=True, exist_ok=True)
        self._programs = self._choose_programs()
        try:
            self._supervise()
            for name in ("valkey", "orders", "nginx", "customers"):  # nobody meets a closed door
                if name in self._programs:
                    self._start_program(name)
                    self._await_answer(self._programs[name])
        except BaseException:
            self.stop()
            raise
        return sorted(logs.glob("*.log"))

    def break_something(self) -> str:
        """Break the world for real. Returns, for the console only, what was done."""
        return self.fault.inflict(self)

    def stop(self) -> None:
        """End every process of the world. Stopping twice, or before the start, is harmless."""
        supervisor, self._supervisor = self._supervisor, None
        if supervisor is None:
            return
        if supervisor.stdin:
            with contextlib.suppress(OSError):
                supervisor.stdin.close()
        try:
            supervisor.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            supervisor.kill()
            supervisor.wait()
            for pid in self._pids.values():
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(pid, signal.SIGKILL)
        self._pids.clear()

    def signal(self, name: str, number: int) -> None:
        """Send a signal to one process of the world."""
        self._command(f"signal {name} {int(number)}")

    def port(self, name: str) -> int:
        """Where a process of the world listens."""
        port = self._programs[name].port
        if port is None:
            raise ValueError(f"{name} listens nowhere")
        return port

    def __enter__(self) -> "DemoWorld":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _choose_programs(self) -> dict[str, Program]:
        door, app, store = _free_ports(3)
        chosen: list[Program] = []
        try:
            chosen.append(programs.nginx(self.directory, port=door, upstream=app))
        except DemoUnavailable as reason:
            if self.fault.name == "app-killed":  # nobody would be left to log it
                raise
            self.notes.append(f"without a gateway: {reason}")
            door = app
        chosen.append(programs.orders(self.directory, port=app, store_port=store))
        chosen.append(programs.valkey(self.directory, port=store))
        chosen.append(programs.customers(self.directory, port=door, seed=self._seed))
        return {program.name: program for program in chosen}

    def _supervise(self) -> None:
        plan = self.directory / "plan.json"
        plan.write_text(
            json.dumps(
                {
                    "log": str(self.directory / "logs" / "supervisor.log"),
                    "programs": [program.plan() for program in self._programs.values()],
                }
            ),
            encoding="utf-8",
        )
        self._supervisor = subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-P", "-m", "infrastructure.demo.supervisor", str(plan)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": str(programs.PACKAGE_ROOT)},
            start_new_session=True,  # Ctrl-C is ours to handle
        )
        threading.Thread(target=self._listen, args=(self._supervisor,), daemon=True).start()

    def _listen(self, supervisor: subprocess.Popen[bytes]) -> None:
        assert supervisor.stdout is not None
        with supervisor.stdout as said:
            for line in said:
                heard = json.loads(line)
                if heard["event"] == "exited":
                    self._pids.pop(heard["name"], None)
                self._heard.put(heard)
        self._heard.put({"event": "silent"})

    def _command(self, line: str) -> None:
        if self._supervisor is None or self._supervisor.stdin is None:
            raise DemoUnavailable("the demo world is not running: start() it first")
        self._supervisor.stdin.write(f"{line}\n".encode())
        self._supervisor.stdin.flush()

    def _start_program(self, name: str) -> None:
        self._command(f"start {name}")
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                heard = self._heard.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise DemoUnavailable(f"{name} did not start in {START_SECONDS:.0f} s") from None
            if heard["event"] == "started" and heard["name"] == name:
                self._pids[name] = heard["pid"]
                return
            if heard["event"] != "started":
                raise DemoUnavailable(self._why_not(heard.get("name", name), heard))

    def _await_answer(self, program: Program) -> None:
        """Until a program takes connections. Raises DemoUnavailable when it ends instead."""
        deadline = time.monotonic() + START_SECONDS
        while program.port is not None and not _listens(program.port):
            with contextlib.suppress(queue.Empty):
                heard = self._heard.get(timeout=0.05)
                raise DemoUnavailable(self._why_not(heard.get("name", "the supervisor"), heard))
            if time.monotonic() > deadline:
                raise DemoUnavailable(
                    f"{program.name} of the demo did not listen on port {program.port} in "
                    f"{START_SECONDS:.0f} s; its log is {program.log}"
                )

    def _why_not(self, name: str, heard: dict[str, Any]) -> str:
        last = ""
        if program := self._programs.get(name):
            with contextlib.suppress(OSError):
                last = program.log.read_text(encoding="utf-8", errors="replace")[-400:].strip()
        said = heard.get("reason") or last or "no word why"
        return f"{name} of the demo ended while starting: {said}"


def _choose(name: str, seed: int) -> Fault:
    if name == "random":
        return random.Random(seed).choice(list(FAULTS.values()))  # noqa: S311 - not a secret
    if name not in FAULTS:
        raise ValueError(f"no fault named {name!r}; there are: random, {', '.join(FAULTS)}")
    return FAULTS[name]


def _free_ports(count: int) -> list[int]:
    """Ports nobody listens on, held together so that they differ."""
    with contextlib.ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0
