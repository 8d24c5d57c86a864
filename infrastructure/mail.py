"""Reports by mail, through SMTP."""

import asyncio
import ipaddress
import socket
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import aiosmtplib
import stamina
import stamina.instrumentation

from application.ports import DeliveryRefused
from domain.notifications.notification import Notification
from infrastructure.mail_report import one_line, render

TIMEOUT_SECONDS = 20.0
"""For each exchange with the mail server."""

CONNECT_ATTEMPTS = 3
CONNECT_SECONDS = 30.0
"""All attempts to connect together; the application records and repeats whole deliveries."""

MAX_SUBJECT = 200

URL_FORM = (
    "smtp://host:25, smtp+starttls://user:password@host:587 or smtps://user:password@host:465"
)

_DEFAULT_PORTS = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}


class MailServerInvalid(ValueError):
    """A mail server URL or an address that cannot be used; the text says why and what is right."""


@dataclass(frozen=True)
class MailServer:
    """Where mail is handed in."""

    scheme: str
    host: str
    port: int
    sender: str
    user: str | None = None
    password: str | None = field(default=None, repr=False)

    @classmethod
    def from_url(cls, url: str) -> "MailServer":
        """Read `smtp://user:password@host:port?from=address`; user and password percent-encoded.

        `smtps` speaks TLS from the start, `smtp+starttls` insists on upgrading to it, `smtp` takes
        what the server offers. Raises MailServerInvalid.
        """
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise MailServerInvalid(f"mail server URL: {error}; write {URL_FORM}") from None
        if parts.scheme not in _DEFAULT_PORTS:
            raise MailServerInvalid(
                f"mail server URL: it begins with {parts.scheme or 'nothing'!r}; write {URL_FORM}"
            )
        if not parts.hostname:
            raise MailServerInvalid(f"mail server URL: it names no host; write {URL_FORM}")
        query = parse_qs(parts.query)
        if unknown := query.keys() - {"from"}:
            raise MailServerInvalid(
                f"mail server URL: unknown option {sorted(unknown)[0]!r}; "
                "the only one is ?from=address"
            )
        user = unquote(parts.username) if parts.username else None
        if user and parts.scheme == "smtp" and not _is_this_machine(parts.hostname):
            raise MailServerInvalid(
                f"mail server URL: smtp:// would send the password of {user} to {parts.hostname} "
                "for all to read; write smtp+starttls:// or smtps://"
            )
        return cls(
            scheme=parts.scheme,
            host=parts.hostname,
            port=port or _DEFAULT_PORTS[parts.scheme],
            sender=checked_address(query.get("from", [f"ai-ops-copilot@{_own_name()}"])[0]),
            user=user,
            password=unquote(parts.password) if parts.password else None,
        )

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


def checked_address(text: str) -> str:
    """A mail address, with or without a name before it. Raises MailServerInvalid."""
    _, address = parseaddr(text)
    try:
        parsed = Address(addr_spec=address)
        usable = bool(parsed.username and parsed.domain) and text.isprintable()
    except (ValueError, IndexError):
        usable = False
    if not usable:
        raise MailServerInvalid(
            f"{one_line(text, 80)!r} is not a mail address like ops@example.org"
        )
    return text


class MailChannel:
    """Sends reports to people's mailboxes.

    `url` as in MailServer.from_url; `recipients` are told when a notification names nobody.
    Raises MailServerInvalid.
    """

    name = "mail"

    def __init__(self, url: str, recipients: list[str] | tuple[str, ...] = ()) -> None:
        self.server = MailServer.from_url(url)
        self.recipients = [checked_address(recipient) for recipient in recipients]

    def send(self, notification: Notification, message: dict[str, Any]) -> str:
        """Deliver one report and return its Message-ID. Raises DeliveryRefused.

        Runs an event loop of its own: call it from a thread that runs none.
        """
        mail = self.compose(notification, message)
        asyncio.run(self._deliver(mail))
        return str(mail["Message-ID"])

    def compose(self, notification: Notification, message: dict[str, Any]) -> EmailMessage:
        """The mail itself. The same notification gives the same Message-ID, however often sent."""
        recipients = [notification.recipient] if notification.recipient else self.recipients
        try:
            to = ", ".join(checked_address(recipient) for recipient in recipients)
        except MailServerInvalid as error:
            raise DeliveryRefused(f"no mail sent: {error}") from None
        if not to:
            raise DeliveryRefused("no mail sent: nobody to send it to; configure a recipient")
        try:
            text, html = render(message)
        except ValueError as error:
            raise DeliveryRefused(
                f"no mail sent: malformed report: {one_line(str(error), 300)}"
            ) from error
        domain = parseaddr(self.server.sender)[1].rpartition("@")[2]
        thread = f"<incident-{notification.incident_id}@{domain}>"
        mail = EmailMessage()
        mail["Subject"] = one_line(notification.subject or str(message["title"]), MAX_SUBJECT)
        mail["From"] = self.server.sender
        mail["To"] = to
        mail["Date"] = format_datetime(datetime.now(UTC))
        mail["Message-ID"] = f"<{notification.id}@{domain}>"
        # A parent nobody ever sent: all mails of an incident become one conversation.
        mail["In-Reply-To"] = thread
        mail["References"] = thread
        mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's absence note answers it
        if str(message.get("criticality", "")).lower() in {"critical", "high"}:
            mail["Importance"] = "high"
        mail.set_content(text, cte="quoted-printable")
        mail.add_alternative(html, subtype="html", cte="quoted-printable")
        return mail

    async def _deliver(self, mail: EmailMessage) -> None:
        try:
            client = await self._connect()
        except aiosmtplib.SMTPAuthenticationError as error:
            raise DeliveryRefused(
                f"mail server {self.server} refused the login as {self.server.user} "
                f"({_answer(error)}); check user and password in the mail server URL"
            ) from error
        except (aiosmtplib.SMTPException, OSError) as error:
            raise DeliveryRefused(
                f"cannot talk to the mail server {self.server} ({_answer(error)}); "
                "check that it runs and that the mail server URL is right"
            ) from error
        try:
            async with client:
                refused, _ = await client.send_message(mail)
        except aiosmtplib.SMTPRecipientsRefused as error:
            raise DeliveryRefused(_refused(self.server, error.recipients)) from error
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            raise DeliveryRefused(
                f"mail server {self.server} did not take the mail ({_answer(error)})"
            ) from error
        if refused:
            raise DeliveryRefused(
                _refused(
                    self.server,
                    [
                        aiosmtplib.SMTPRecipientRefused(answer.code, answer.message, recipient)
                        for recipient, answer in refused.items()
                    ],
                )
            )

    async def _connect(self) -> aiosmtplib.SMTP:
        """Connected and logged in. Only a failed connection is tried again at once."""
        server = self.server
        # A failed delivery becomes an event; by default stamina also prints each retry on stderr.
        stamina.instrumentation.set_on_retry_hooks([])
        async for attempt in stamina.retry_context(
            on=aiosmtplib.SMTPConnectError,
            attempts=CONNECT_ATTEMPTS,
            timeout=CONNECT_SECONDS,
            wait_initial=0.2,
            wait_max=2.0,
            wait_jitter=0.2,
        ):
            with attempt:
                client = aiosmtplib.SMTP(
                    hostname=server.host,
                    port=server.port,
                    username=server.user,
                    password=server.password,
                    local_hostname=_own_name(),
                    timeout=TIMEOUT_SECONDS,
                    use_tls=server.scheme == "smtps",
                    start_tls={"smtps": False, "smtp+starttls": True}.get(server.scheme),
                    # Where TLS is only taken because it was offered, an unknown certificate is
                    # still better than none (RFC 7435); where it is demanded, it is checked.
                    validate_certs=server.scheme != "smtp",
                )
                await client.connect()
                return client
        raise AssertionError("stamina returns or raises")


def _refused(server: MailServer, recipients: list[aiosmtplib.SMTPRecipientRefused]) -> str:
    told = "; ".join(f"{r.recipient}: {_answer(r)}" for r in recipients)
    return f"mail server {server} refused the recipient ({told}); check the address"


def _answer(error: BaseException) -> str:
    """What a server said, or why it could not; servers are strangers, so made harmless."""
    if isinstance(error, aiosmtplib.SMTPResponseException):
        return one_line(f"{error.code} {error.message}", 200)
    return one_line(str(error) or type(error).__name__, 200)


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _own_name() -> str:
    """This machine's name; asking the resolver for a full one can hang where there is no DNS."""
    name = "".join(c for c in socket.gethostname() if c.isascii() and (c.isalnum() or c in ".-"))
    return name.strip(".-") or "localhost"
