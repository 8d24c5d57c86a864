"""`aiops up`: everything in one process, until Ctrl-C."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from domain.incidents.incident import DiagnosisReached, IncidentOpened
from domain.provenance import Fact
from infrastructure.collectors.log_files import LogFiles
from infrastructure.settings import Settings, load_settings
from interfaces.cli.failures import InputUnusable
from interfaces.cli.terminal import COLOURS, console, safe, say
from interfaces.system import System

if TYPE_CHECKING:
    import uvicorn

_GRACE = 10.0
"""Seconds the dashboard gets to end by itself."""
_STARTING = 60.0


class PortTaken(Exception):
    """A port is in use by another program."""

    def __init__(self, what: str, port: int, setting: str) -> None:
        super().__init__(
            f"port {port} for the {what} is in use: stop what listens there, "
            f"or choose another with {setting} (0 takes any free one)"
        )


def run(
    *,
    data: Path | None,
    watch: Sequence[str],
    syslog: Sequence[str],
    port: int | None,
    dashboard_port: int | None,
    dashboard: bool,
    as_json: bool,
) -> None:
    """Start everything, print where it is, wait for Ctrl-C or SIGTERM."""
    settings = load_settings(
        data=data,
        port=port,
        dashboard_port=dashboard_port,
        syslog=",".join(syslog) or None,
    )
    stop = stop_on_signals()
    with Service(settings, dashboard=dashboard) as service:
        if watch:
            service.follow(watch)
        service.take_syslog(settings.syslog_addresses)
        service.announce(as_json=as_json)
        stop.wait()
        say("stopping")


def stop_on_signals() -> threading.Event:
    """An event that Ctrl-C or SIGTERM sets; a second one ends the process at once."""
    stop = threading.Event()

    def handle(number: int, _: FrameType | None) -> None:
        if stop.is_set():
            os._exit(128 + number)
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, handle)
    return stop


class Service:
    """The system with its API, its dashboard and the files it follows."""

    def __init__(self, settings: Settings, *, dashboard: bool = True) -> None:
        """Start. Raises PortTaken and what System raises."""
        self._settings = settings
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []
        self._dashboard: subprocess.Popen[bytes] | None = None
        self.dashboard_url = ""
        self._not_collecting = ""
        self._syslog: list[str] = []
        dashboard_port = 0
        if dashboard:
            probe = _listen(settings.host, settings.dashboard_port, "dashboard", "--dashboard-port")
            dashboard_port = int(probe.getsockname()[1])
            self.dashboard_url = _url(settings.host, probe)
            probe.close()  # Streamlit wants to open it itself
        self._sockets = [_listen(settings.host, settings.port, "API", "--port")]
        self.api_url = _url(settings.host, self._sockets[0])
        self.system = System(settings, patient=True, tell=say, link=self.link)
        self._server = self._start_api()
        told = settings.mail_to if settings.smtp_url.get_secret_value() else ""
        self.system.instance.announce(self.api_url, mail_to=told)
        self.system.write_side.start_writer()
        self.system.start_pipeline()
        self.system.keep_vectors()
        self.system.prepare_engines()
        if dashboard:
            self._dashboard = self._start_dashboard(dashboard_port)

    def __enter__(self) -> "Service":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def link(self, incident: object) -> str:
        """The page of an incident; empty without a dashboard."""
        return f"{self.dashboard_url}/incident?id={incident}" if self.dashboard_url else ""

    def follow(self, patterns: Sequence[str]) -> None:
        """Follow these files and globs. Raises InputUnusable when they mean no file at all."""
        files = self.system.write_side.log_files(patterns)
        for problem in files.search():
            say(f"aiops: {problem}")
        waiting = any("*" in pattern or "?" in pattern for pattern in patterns)
        if not files.collections and not waiting:
            raise InputUnusable("nothing to follow: " + "; ".join(map(str, files.problems)))
        self.system.also_check("collect", lambda: self._not_collecting or files.trouble)
        self._start("collect", lambda: self._collect(files))

    def take_syslog(self, addresses: Sequence[str]) -> None:
        """Take syslog on these addresses. Raises SyslogUnusable when one cannot be listened on."""
        if not addresses:
            return
        from infrastructure.collectors.syslog import SyslogSources
        from infrastructure.collectors.syslog_listener import SyslogAddress, SyslogListener

        side = self.system.write_side
        listener = SyslogListener(
            [SyslogAddress.parse(address) for address in addresses],
            SyslogSources(side.intake, side.formats, side.recording.known),
            certificate=self._settings.syslog_certificate,
            key=self._settings.syslog_key,
            tell=say,
        )
        self._syslog = [str(address) for address in listener.addresses]
        self._start("syslog", lambda: listener.run(self._stop))

    def _collect(self, files: LogFiles) -> None:
        """Follow until the end; what ends it before is told, and it is begun anew."""
        pause = 1.0
        while not self._stop.is_set():
            began = time.monotonic()
            try:
                self._not_collecting = ""
                files.follow(self._stop, lambda text: say(f"aiops: {text}"))
            except Exception as error:  # noqa: BLE001 - collecting must not end without a word
                pause = 1.0 if time.monotonic() - began > _STARTING else min(pause * 2, _STARTING)
                self._not_collecting = f"{type(error).__name__}: {error}"
                say(f"aiops: collecting failed: {error}; trying again in {pause:g} s")
                self._stop.wait(pause)

    def announce(self, *, as_json: bool = False) -> None:
        """Say where everything is, and tell of incidents as they come."""
        if as_json:
            told: dict[str, object] = {
                "api": self.api_url,
                "dashboard": self.dashboard_url,
                "pid": os.getpid(),
            }
            if self._syslog:
                told["syslog"] = self._syslog
            sys.stdout.write(json.dumps(told) + "\n")
            sys.stdout.flush()
        else:
            out = console()
            if self.dashboard_url:
                out.print(f"dashboard  {self.dashboard_url}", style="bold")
            out.print(f"API        {self.api_url}/docs")
            for address in self._syslog:
                out.print(f"syslog     {address}")
            out.print(f"data       {self._settings.data}")
            out.print("Ctrl-C stops everything.", style="dim")
            self._start("tell", self._tell_incidents)

    def close(self) -> None:
        """Stop collecting, finish the work at hand, end every process we started."""
        self._stop.set()
        for thread in self._threads:
            thread.join()
        if self._dashboard is not None:
            self._dashboard.terminate()
            try:
                self._dashboard.wait(_GRACE)
            except subprocess.TimeoutExpired:
                self._dashboard.kill()
                self._dashboard.wait()
        self._server.should_exit = True
        self._api.join()
        self.system.close()

    def _start(self, name: str, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work, name=name, daemon=True)
        thread.start()
        self._threads.append(thread)

    def _start_api(self) -> "uvicorn.Server":
        import uvicorn

        from interfaces.api.app import create_app

        config = uvicorn.Config(
            create_app(self.system, self._settings.host_names),
            log_level="warning",
            access_log=False,
            timeout_graceful_shutdown=3,
        )
        server = uvicorn.Server(config)
        server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
        self._api = threading.Thread(
            target=server.run, kwargs={"sockets": self._sockets}, name="api", daemon=True
        )
        self._api.start()
        self.system.wait_for(lambda: server.started or not self._api.is_alive(), _STARTING)
        return server

    def _start_dashboard(self, port: int) -> "subprocess.Popen[bytes]":
        from infrastructure.child_process import bound_to_parent
        from interfaces.dashboard.launch import dashboard_command

        return subprocess.Popen(  # noqa: S603 - our own command
            bound_to_parent(
                dashboard_command(
                    self.api_url, port, self._settings.host, tuple(self._settings.host_names[1:])
                )
            ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def _tell_incidents(self) -> None:
        """Print incidents and diagnoses to the terminal as they are recorded."""
        log = self.system.write_side.log
        out = console()
        position = log.head()
        told: dict[object, str] = {}
        while not self._stop.is_set():
            seen = log.signal.count
            for recorded in log.read(position, 50, [IncidentOpened, DiagnosisReached]):
                position = recorded.position
                event = recorded.event
                if isinstance(event, IncidentOpened):
                    out.print(
                        f"\nincident opened: {safe(event.title)}", style=COLOURS[event.criticality]
                    )
                elif told.get(event.originator_id) != _title(event):
                    told[event.originator_id] = _title(event)
                    self._tell_diagnosis(event)
            log.signal.wait(seen, 0.5)

    def _tell_diagnosis(self, event: Fact) -> None:
        assert isinstance(event, DiagnosisReached)
        out = console()
        diagnosis, remediation = event.diagnosis, event.remediation
        out.print(
            f"\ndiagnosis  {safe(diagnosis['title'])}", style=COLOURS[diagnosis["criticality"]]
        )
        out.print(f"  Cause  {safe(diagnosis['root_cause'])}  ({diagnosis['confidence']:.0%})")
        for citation in diagnosis["citations"][:3]:
            out.print(
                f"  Proof  {safe(citation['source'])}:{citation['line']}  {safe(citation['quote'])}"
            )
        for text in remediation["mitigation"][:2]:
            out.print(f"  Now    {safe(text)}")
        link = self.link(event.originator_id)
        if link:
            out.print(f"  Page   {link}")


def _title(event: Fact) -> str:
    return str(event.diagnosis["title"]) if isinstance(event, DiagnosisReached) else ""


def _listen(host: str, port: int, what: str, setting: str) -> socket.socket:
    """A listening socket. Raises PortTaken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        raise PortTaken(what, port, setting) from error
    return listener


def _url(host: str, listener: socket.socket) -> str:
    shown = "127.0.0.1" if host in ("0.0.0.0", "::") else host  # noqa: S104 - compared, not bound
    return f"http://{f'[{shown}]' if ':' in shown else shown}:{listener.getsockname()[1]}"
