"""The ways the demo world can be broken. Each really happens; none writes a log line itself."""

import shutil
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


class Breakable(Protocol):
    """What a fault may reach."""

    def signal(self, name: str, number: int) -> None:
        """Send a signal to a process of the world."""
        ...

    def port(self, name: str) -> int:
        """Where a process of the world listens."""
        ...

    @property
    def directory(self) -> Path:
        """Where the world lives."""
        ...


@dataclass(frozen=True)
class Fault:
    """One way to break the world; `inflict` returns the sentence for the console."""

    name: str
    culprit: str
    inflict: Callable[[Breakable], str]


def kill_store(world: Breakable) -> str:
    """The data store dies without a word, as after the kernel's out-of-memory killer."""
    world.signal("valkey", signal.SIGKILL)
    return "killed the data store (SIGKILL to valkey)"


def shrink_store(world: Breakable) -> str:
    """An operator lowers the store's memory limit below what it holds already."""
    import valkey

    with valkey.Valkey(host="127.0.0.1", port=world.port("valkey"), socket_timeout=5) as store:
        used = int(store.info("memory")["used_memory"])
        limit = used * 3 // 4
        store.config_set("maxmemory", limit)
    return (
        f"lowered the data store's memory limit to {limit:,} bytes while it uses {used:,} "
        "(valkey maxmemory, policy noeviction)"
    )


def lose_store_directory(world: Breakable) -> str:
    """A clean-up job deletes the folder the store writes its snapshots to."""
    folder = world.directory / "valkey"
    shutil.rmtree(folder)
    return f"deleted the folder the data store saves its snapshots in ({folder})"


def freeze_store(world: Breakable) -> str:
    """The store hangs: it accepts connections (the kernel does) and never answers."""
    world.signal("valkey", signal.SIGSTOP)
    return "froze the data store (SIGSTOP to valkey)"


def kill_app(world: Breakable) -> str:
    """The application dies; the gateway in front of it is left with nobody to ask."""
    world.signal("orders", signal.SIGKILL)
    return "killed the application (SIGKILL to orders)"


FAULTS = {
    fault.name: fault
    for fault in (
        Fault("store-full", "valkey", shrink_store),
        Fault("store-cannot-save", "valkey", lose_store_directory),
        Fault("store-killed", "valkey", kill_store),
        Fault("store-frozen", "valkey", freeze_store),
        Fault("app-killed", "orders", kill_app),
    )
}
