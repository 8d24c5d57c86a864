"""`aiops demo`: real services, real traffic, one real fault, found from the logs alone."""

import time
from collections.abc import Callable
from pathlib import Path

from domain.incidents.incident import DiagnosisReached
from domain.notifications.notification import NotificationDelivered
from infrastructure.demo.world import BASELINE_SECONDS, DemoWorld
from infrastructure.inbox import LocalInbox
from infrastructure.settings import load_settings
from interfaces.cli.failures import WrongUsage
from interfaces.cli.terminal import console
from interfaces.cli.up import Service, stop_on_signals

_FOUND_WITHIN = 90.0
_GATHERING = 3.0
"""Seconds given to the fault's last symptoms before the story is told."""


class NothingFound(Exception):
    """The demo's fault was not noticed in time: a defect of ours."""


def run(*, data: Path | None, fault: str, once: bool) -> None:
    """Play the demo. With `once` stops after the diagnosis; else stays up until Ctrl-C."""
    stop = stop_on_signals()
    settings = load_settings(data=data or Path("data"))
    home = settings.data / "demo" / time.strftime("%Y%m%d-%H%M%S")
    out = console()
    try:
        world = DemoWorld(home, fault=fault)
    except ValueError as error:
        raise WrongUsage(str(error)) from error
    with LocalInbox(settings.data / "inbox") as inbox:
        own_mail = bool(settings.smtp_url.get_secret_value())
        if not own_mail:
            settings = load_settings(
                data=settings.data, smtp_url=inbox.url, mail_to="oncall@localhost"
            )
        with world:
            logs = world.start()
            for process in world.processes:
                out.print(
                    f"started    {process.name} ({process.technology}), process {process.pid}"
                )
            for note in world.notes:
                out.print(f"note       {note}")
            with Service(settings) as service:
                service.follow([str(path) for path in logs])
                service.announce()
                out.print(f"\nhealthy traffic for {BASELINE_SECONDS:.0f} s ...", style="dim")
                if stop.wait(BASELINE_SECONDS):
                    return
                head = service.system.write_side.log.head()
                out.print(f"\nbroken now: {world.break_something()}", style="bold")
                _wait_for_story(service, head, stop_set=stop.is_set)
                if not own_mail:
                    mails = len(inbox.messages())
                    out.print(f"\nmail       {mails} in {settings.data / 'inbox'}")
                out.print(
                    "how it was found: aiops audit ID --data " + str(settings.data), style="dim"
                )
                if not once:
                    out.print("\nthe dashboard stays up; Ctrl-C stops everything", style="dim")
                    stop.wait()


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
