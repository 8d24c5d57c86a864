"""The whole system behind a real HTTP server on a free port, for tests of what senders send."""

import socket
import threading
from pathlib import Path

import httpx
import uvicorn

from application.event_log import read_all
from domain.logs.record import LogRecord
from domain.logs.source import RecordsAppended
from infrastructure.settings import load_settings
from interfaces.api.app import create_app
from interfaces.system import System


class ServedSystem:
    """A system whose intake writes, unless told not to yet; detection does not run."""

    def __init__(self, data: Path, *, writing: bool = True) -> None:
        self.system = System(load_settings(data=data))
        if writing:
            self.system.write_side.start_writer()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        config = uvicorn.Config(create_app(self.system), log_level="warning", lifespan="off")
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._listening]}
        )
        self._thread.start()
        self.client = httpx.Client(base_url=self.url, trust_env=False, timeout=60)

    def records(self) -> dict[str, list[LogRecord]]:
        """Every durable record by source, in order."""
        found: dict[str, list[LogRecord]] = {}
        for recorded in read_all(self.system.write_side.log, topics=[RecordsAppended]):
            if isinstance(recorded.event, RecordsAppended):
                stored = self.system.write_side.reader.records(recorded.event)
                found.setdefault(recorded.event.source, []).extend(s.record for s in stored)
        return found

    def close(self) -> None:
        """Stop the server, then the system."""
        self.client.close()
        self._server.should_exit = True
        self._thread.join(60)
        self._listening.close()
        self.system.close()
