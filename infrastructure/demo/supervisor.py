"""The process manager of the demo: starts programs, logs what becomes of them, leaves none behind.

Runs as a process of its own (`python -m infrastructure.demo.supervisor PLAN`), for two reasons.
Its standard input is a pipe from whoever asked for the demo: when that one dies, however it dies,
the pipe ends and everything is stopped. And Linux sends a parent-death signal when the *thread*
that started a child ends, so the starting thread must live as long as the children do.

Standard library only: it must start fast. Speaks one JSON object a line on standard output.
"""

import ctypes
import json
import logging
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

GRACE_SECONDS = 3.0
"""How long a program may take to end by itself after SIGTERM."""

PR_SET_PDEATHSIG = 1  # linux/prctl.h

log = logging.getLogger("supervisor")


def die_with_parent(signal_number: int) -> Callable[[], None] | None:
    """What a child runs before its program, so that it does not outlive a killed supervisor."""
    if not sys.platform.startswith("linux"):
        return None
    libc = ctypes.CDLL(None, use_errno=True)
    supervisor = os.getpid()

    def ask_for_signal() -> None:
        libc.prctl(PR_SET_PDEATHSIG, signal_number)
        if os.getppid() != supervisor:  # died between fork and prctl
            os._exit(1)

    return ask_for_signal


class Supervisor:
    """Programs by name, as described by the plan file."""

    def __init__(self, plan: dict[str, Any]) -> None:
        self._programs: dict[str, dict[str, Any]] = {p["name"]: p for p in plan["programs"]}
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._stopping = False

    def start(self, name: str) -> None:
        """Start one program in its own session, its output appended to its log file."""
        program = self._programs[name]
        try:
            with Path(program["log"]).open("ab") as output:
                process = subprocess.Popen(  # noqa: S603 - the plan is ours
                    program["argv"],
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    cwd=program["cwd"],
                    env={**os.environ, **program["env"]},
                    start_new_session=True,
                    preexec_fn=die_with_parent(program["death_signal"]),  # noqa: PLW1509 - one thread
                )
        except OSError as error:
            log.error("spawnerr: can't exec %s: %s", program["argv"][0], error)
            tell(event="failed", name=name, reason=str(error))
            return
        self._running[name] = process
        log.info("spawned: '%s' with pid %d", name, process.pid)
        tell(event="started", name=name, pid=process.pid)

    def signal(self, name: str, number: int) -> None:
        """Send a signal to one program (not to its children)."""
        process = self._running.get(name)
        if process is not None:
            process.send_signal(number)

    def reap(self) -> None:
        """Take note of programs that have ended."""
        for name, process in list(self._running.items()):
            status = process.poll()
            if status is None:
                continue
            del self._running[name]
            if self._stopping:
                log.info("stopped: %s (%s)", name, ending(status))
            else:
                log.warning("exited: %s (%s; not expected)", name, ending(status))
            tell(event="exited", name=name, status=status)

    def stop(self) -> None:
        """End everything: politely, then for good. Whole process groups."""
        self._stopping = True
        if self._running:
            log.info("waiting for %s to die", ", ".join(self._running))
        self._signal_groups(signal.SIGCONT, signal.SIGTERM)
        deadline = time.monotonic() + GRACE_SECONDS
        while self._running and time.monotonic() < deadline:
            self.reap()
            time.sleep(0.02)
        self._signal_groups(signal.SIGKILL)
        while self._running:
            self.reap()
            time.sleep(0.02)

    def _signal_groups(self, *numbers: int) -> None:
        for process in self._running.values():
            for number in numbers:
                try:
                    os.killpg(process.pid, number)
                except ProcessLookupError:
                    break


def ending(status: int) -> str:
    """How a process ended, as process managers put it."""
    if status < 0:
        return f"terminated by {signal.Signals(-status).name}"
    return f"exit status {status}"


def tell(**facts: Any) -> None:
    """One line to whoever asked for the demo; that one may be gone already."""
    try:
        print(json.dumps(facts), flush=True)  # noqa: T201 - this is the protocol
    except BrokenPipeError:
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115 - for the rest of the process


def obey(supervisor: Supervisor, line: bytes) -> None:
    """Carry out one command: `start NAME` or `signal NAME NUMBER`."""
    verb, name, *rest = line.decode().split()
    if verb == "start":
        supervisor.start(name)
    elif verb == "signal":
        supervisor.signal(name, int(rest[0]))


def main() -> None:
    """Start what the plan says, obey commands on standard input until it ends, then stop all."""
    plan = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    logging.basicConfig(
        filename=plan["log"], level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s"
    )
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    supervisor = Supervisor(plan)
    log.info("supervisor started with pid %d", os.getpid())
    pending = b""
    try:
        while True:
            supervisor.reap()
            if not select.select([0], [], [], 0.05)[0]:
                continue
            received = os.read(0, 65536)
            if not received:
                return
            *lines, pending = (pending + received).split(b"\n")
            for line in lines:
                obey(supervisor, line)
    finally:
        supervisor.stop()


if __name__ == "__main__":
    main()
