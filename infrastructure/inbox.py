"""A mail server of our own, on this machine only, that keeps what it receives in a Maildir.

For who has configured no mail server: the report can still be looked at as a mail in an inbox.
"""

import asyncio
import mailbox
import socket
from collections.abc import Awaitable
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

READY_SECONDS = 30.0
"""How long the server may take to answer on a busy machine."""


class LocalInbox:
    """An SMTP server on a free port of 127.0.0.1; `directory` becomes its Maildir.

    Any mail program that reads Maildir can open the folder (`mutt -f DIRECTORY`).
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._server: _LoopbackController | None = None

    @property
    def url(self) -> str:
        """What to configure as mail server. Raises RuntimeError while it does not run."""
        if self._server is None:
            raise RuntimeError("the local inbox is not running: start() it first")
        return f"smtp://127.0.0.1:{self._server.port}"

    def start(self) -> None:
        """Take mail from now on. Starting twice changes nothing. Raises OSError."""
        if self._server is None:
            server = _LoopbackController(_Keeper(self.directory))
            server.start()
            self._server = server

    def stop(self) -> None:
        """Take no more mail; what came stays. Stopping twice changes nothing."""
        server, self._server = self._server, None
        if server is not None:
            server.stop()

    def messages(self) -> list[EmailMessage]:
        """What was received, oldest first; also what an earlier run received."""
        files = [
            file
            for folder in ("new", "cur")
            if (self.directory / folder).is_dir()
            for file in (self.directory / folder).iterdir()
        ]
        files.sort(key=lambda file: (file.stat().st_mtime_ns, file.name))
        return [message_from_bytes(file.read_bytes(), policy=policy.default) for file in files]

    def __enter__(self) -> "LocalInbox":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


class _Keeper:
    """Puts each mail into the Maildir as it came, with where it came from and went to."""

    def __init__(self, directory: Path) -> None:
        directory.parent.mkdir(parents=True, exist_ok=True)
        self._maildir = mailbox.Maildir(directory, create=True)

    async def handle_DATA(  # noqa: N802 - aiosmtpd calls it by this name
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        del server, session
        trace = [f"Return-Path: <{envelope.mail_from or ''}>"]
        trace += [f"Delivered-To: {recipient}" for recipient in envelope.rcpt_tos]
        content = envelope.original_content or b""
        try:
            self._maildir.add("\r\n".join([*trace, ""]).encode() + content)
        except OSError as error:
            return f"452 4.3.1 the inbox cannot store it: {error.strerror}"
        return "250 2.0.0 kept"


class _LoopbackController(Controller):
    """aiosmtpd's controller on a socket that is bound already, so that its port is known."""

    def __init__(self, handler: _Keeper) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        port = self._socket.getsockname()[1]
        super().__init__(handler, hostname="127.0.0.1", port=port, ready_timeout=READY_SECONDS)

    def _create_server(self) -> Awaitable[asyncio.AbstractServer]:
        factory: Any = self._factory_invoker
        return self.loop.create_server(factory, sock=self._socket)
