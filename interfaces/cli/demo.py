"""`aiops demo`: real services, real traffic, one real fault, found from the logs alone."""

import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from domain.incidents.incident import DiagnosisReached
from domain.notifications.notification import NotificationDelivered
from infrastructure.demo.world import BASELINE_SECONDS, DemoWorld
from infrastructure.inbox import LocalInbox
from infrastructure.settings import Settings, load_settings
from interfaces.cli.failures import WrongUsage
from interfaces.cli.terminal import console
from interfaces.cli.up import PortTaken, Service, stop_on_signals

_FOUND_WITHIN = 90.0
_GATHERING = 3.0
"""Seconds given to the fault's last symptoms before the story is told."""


class NothingFound(Exception):
    """The demo's fault was not noticed in time: a defect of ours."""


def run(*, data: Path | None, fault: str, once: bool) -> None:
    """Play the demo. With `once` stops after the diagnosis; else stays up until Ctrl-C."""
    stop = stop_on_signals()
    settings = load_settings(data=data or Path("data"))
    settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        world = DemoWorld(settings.data / "demo" / time.strftime("%Y%m%d-%H%M%S"), fault=fault)
    except ValueError as error:
        raise WrongUsage(str(error)) from error
    inbox = None if settings.smtp_url.get_secret_value() else LocalInbox(settings.data / "inbox")
    with ExitStack() as running:
        if inbox is not None:
            running.enter_context(inbox)
            mail = {"smtp_url": inbox.url, "mail_to": "oncall@localhost"}
            settings = load_settings(data=settings.data, **mail)
        running.enter_context(world)
        _introduce(world)
        service = running.enter_context(_service(settings))
        service.follow([str(path) for path in sorted((world.directory / "logs").glob("*.log"))])
        service.announce()
        if _play(world, service, stop):
            _tell_where(service, settings, inbox)
            if not once:
                console().print("\nthe dashboard stays up; Ctrl-C stops everything", style="dim")
                stop.wait()


def _introduce(world: DemoWorld) -> None:
    out = console()
    for process in world.processes:
        out.print(f"started    {process.name} ({process.technology}), process {process.pid}")
    for note in world.notes:
        out.print(f"note       {note}")


def _play(world: DemoWorld, service: Service, stop: threading.Event) -> bool:
    """Let it work, break it, wait for the story; False when Ctrl-C came first."""
    out = console()
    out.print(f"\nhealthy traffic for {BASELINE_SECONDS:.0f} s ...", style="dim")
    if stop.wait(BASELINE_SECONDS):
        return False
    head = service.system.write_side.log.head()
    out.print(f"\nbroken now: {world.break_something()}", style="bold")
    _wait_for_story(service, head, stop_set=stop.is_set)
    return not stop.is_set()


def _tell_where(service: Service, settings: Settings, inbox: LocalInbox | None) -> None:
    out = console()
    if inbox is not None:
        out.print(f"\nmail       {len(inbox.messages())} in {settings.data / 'inbox'}")
    found = service.system.history.incidents(limit=1).items
    if found:
        told = f"how it was found: aiops audit {found[0].short_id} --data {settings.data}"
        out.print(told, style="dim")


def _service(settings: Settings) -> Service:
    """On the usual ports, or on free ones where others listen there: it is only a demo."""
    try:
        return Service(settings)
    except PortTaken:
        return Service(settings.model_copy(update={"port": 0, "dashboard_port": 0}))


def _wait_for_story(service: Service, after: int, *, stop_set: Callable[[], bool]) -> None:
    """Until a diagnosis was reached and its mail delivered."""
    log = service.system.write_side.log

    def told() -> bool:
        return stop_set() or all(
            log.read(after, 1, [kind]) for kind in (DiagnosisReached, NotificationDelivered)
        )

    if not service.system.wait_for(told, _FOUND_WITHIN):
        raise NothingFound(
            f"no diagnosis within {_FOUND_WITHIN:.0f} s; look at the logs of the demo, "
            "and please report this"
        )
    service.system.wait_for(stop_set, _GATHERING)
