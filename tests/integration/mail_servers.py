"""Mail servers with manners of their own, and a report to send to them."""

import socket
from collections.abc import Callable, Iterator
from contextlib import closing
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from domain.notifications.notification import Notification
from domain.provenance import Cause
from infrastructure.inbox import LocalInbox

INCIDENT = UUID("11111111-1111-4111-8111-111111111111")


def notification(
    *, subject: str = "orders: down", recipient: str = "ops@example.org", run: UUID | None = None
) -> Notification:
    cause = Cause("notifier", INCIDENT)
    return Notification.request(
        INCIDENT,
        run or UUID(int=1),
        channel="mail",
        recipient=recipient,
        subject=subject,
        cause=cause,
    )


def report(**changes: Any) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "incident_id": INCIDENT,
        "title": "Orders are refused",
        "service": "valkey",
        "criticality": "critical",
        "error_class": "memory_exhausted",
        "root_cause": "Valkey is out of memory",
        "confidence": 0.93,
        "summary": "No order can be placed.",
        "what_happened": "Writes fail.",
        "why": "maxmemory is too low.",
        "impact": "All new orders.",
        "what_to_do": "Raise maxmemory.",
        "mitigation": ["CONFIG SET maxmemory 64mb"],
        "steps": ["Set maxmemory in valkey.conf"],
        "verify": ["INFO memory"],
        "patches": [{"path": "valkey.conf", "diff": "-maxmemory 1mb\n+maxmemory 64mb"}],
        "citations": [
            {"source": "valkey", "line": 20, "sequence": 19, "quote": "maxmemory reached"}
        ],
        "hypotheses": [
            {"root_cause": "Valkey is out of memory", "confidence": 0.93},
            {"root_cause": "A leak in orders", "confidence": 0.04},
        ],
        "first_time": 1_795_451_231_508_000_000,
        "link": "http://127.0.0.1:8501/incident?id=1",
        "audit_link": "aiops audit 11111111",
    }
    return {**facts, **changes}


def parts(mail: EmailMessage) -> tuple[str, str]:
    text, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert text is not None
    assert html is not None
    return text.get_content(), html.get_content()


@pytest.fixture
def inbox(tmp_path: Path) -> Iterator[LocalInbox]:
    with LocalInbox(tmp_path / "inbox") as running:
        yield running


class Refusing:
    """A mail server's manners: which recipients and which content it refuses."""

    def __init__(self, *, unknown: str = "", content: str = "") -> None:
        self._unknown = unknown
        self._content = content
        self.taken: list[Envelope] = []

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address == self._unknown:
            return "550 5.1.1 no such mailbox \x1b[31m"
        envelope.rcpt_tos.append(address)
        return "250 ok"

    async def handle_DATA(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        if self._content:
            return self._content
        self.taken.append(envelope)
        return "250 ok"


@pytest.fixture
def serve() -> Iterator[Callable[..., str]]:
    """Start aiosmtpd with these manners; gives `host:port`."""
    running: list[Controller] = []

    def start(handler: Refusing, **options: Any) -> str:
        port = free_port()
        controller = Controller(
            handler, hostname="127.0.0.1", port=port, ready_timeout=60, **options
        )
        controller.start()
        running.append(controller)
        return f"127.0.0.1:{port}"

    yield start
    for controller in running:
        controller.stop()


def free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as probe:
        port: int = probe.getsockname()[1]
        return port
