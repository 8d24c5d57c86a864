"""Mail and its servers: real SMTP, refusals, certificates, settings."""

import socket
import ssl
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from application.ports import DeliveryRefused
from infrastructure.inbox import LocalInbox
from infrastructure.mail import MailChannel, MailServer, MailServerInvalid
from infrastructure.mail_report import visible
from tests.integration.mail_servers import (
    INCIDENT,
    Refusing,
    free_port,
    notification,
    report,
)


def test_mails_of_one_incident_are_one_conversation(inbox: LocalInbox) -> None:
    """All refer to the same parent; each has its own id; a repetition keeps its id."""
    channel = MailChannel(inbox.url)
    first = channel.send(notification(run=UUID(int=1)), report())
    second = channel.send(notification(run=UUID(int=2)), report())
    again = channel.send(notification(run=UUID(int=2)), report())

    assert first != second == again
    mails = inbox.messages()
    parents = {mail["In-Reply-To"] for mail in mails} | {mail["References"] for mail in mails}
    assert len(parents) == 1
    assert str(INCIDENT) in parents.pop()
    assert {mail["Auto-Submitted"] for mail in mails} == {"auto-generated"}


def test_the_inbox_keeps_mail_of_earlier_runs(tmp_path: Path) -> None:
    """It is a folder: what came before the server stopped is still there, oldest first."""
    for number in (1, 2, 3):
        with LocalInbox(tmp_path / "box") as inbox:
            MailChannel(inbox.url).send(notification(subject=f"mail {number}"), report())
    assert [mail["Subject"] for mail in inbox.messages()] == ["mail 1", "mail 2", "mail 3"]
    inbox.stop()
    with pytest.raises(RuntimeError, match="not running"):
        _ = inbox.url


def test_the_inbox_listens_on_this_machine_only(inbox: LocalInbox) -> None:
    """Nobody else can put mail into it."""
    assert inbox.url.startswith("smtp://127.0.0.1:")


def test_a_server_that_knows_the_user_takes_the_mail(serve: Callable[..., str]) -> None:
    """User and password of the URL, percent-encoded, are what the server is told."""

    def check(server: SMTP, session: Session, envelope: Envelope, how: str, who: Any) -> AuthResult:
        assert isinstance(who, LoginPassword)
        known = (who.login, who.password) == (b"ada@ops", b"p@ss/w:rd")
        return AuthResult(success=known, handled=False)  # the server answers for us

    manners = Refusing()
    address = serve(manners, authenticator=check, auth_required=True, auth_require_tls=False)
    MailChannel(f"smtp://ada%40ops:p%40ss%2Fw%3Ard@{address}").send(notification(), report())
    assert manners.taken[0].rcpt_tos == ["ops@example.org"]

    with pytest.raises(DeliveryRefused, match=r"refused the login as ada.*check user and password"):
        MailChannel(f"smtp://ada:secretword@{address}").send(notification(), report())
    with pytest.raises(DeliveryRefused) as caught:
        MailChannel(f"smtp://ada:secretword@{address}").send(notification(), report())
    assert "secretword" not in str(caught.value)


def test_an_unknown_recipient_is_a_refusal_with_the_servers_word(serve: Callable[..., str]) -> None:
    """The reason is the server's, made harmless for terminals."""
    address = serve(Refusing(unknown="ghost@example.org"))
    with pytest.raises(
        DeliveryRefused, match=r"ghost@example.org: 550 5.1.1 no such mailbox"
    ) as no:
        MailChannel(f"smtp://{address}").send(notification(recipient="ghost@example.org"), report())
    assert "\x1b" not in str(no.value)


def test_a_recipient_refused_among_others_is_not_passed_over(serve: Callable[..., str]) -> None:
    """Who was not told is named, though somebody else was."""
    manners = Refusing(unknown="ghost@example.org")
    channel = MailChannel(f"smtp://{serve(manners)}", ["ops@example.org", "ghost@example.org"])
    with pytest.raises(DeliveryRefused, match=r"ghost@example\.org: 550"):
        channel.send(notification(recipient=""), report())
    assert manners.taken[0].rcpt_tos == ["ops@example.org"]


def test_a_server_that_refuses_the_content_is_a_refusal(serve: Callable[..., str]) -> None:
    """A full mailbox or a spam filter is reported, not swallowed."""
    address = serve(Refusing(content="552 5.2.2 mailbox full"))
    with pytest.raises(DeliveryRefused, match=r"did not take the mail .*552 5.2.2 mailbox full"):
        MailChannel(f"smtp://{address}").send(notification(), report())


def test_no_server_is_a_refusal_that_says_what_to_do() -> None:
    """A closed port is named, with what to check."""
    port = free_port()
    with pytest.raises(DeliveryRefused, match=rf"127.0.0.1:{port} .*check that it runs"):
        MailChannel(f"smtp://127.0.0.1:{port}").send(notification(), report())


def test_a_server_that_speaks_something_else_is_a_refusal() -> None:
    """A port where no SMTP server answers ends as a clear refusal too."""
    import threading

    with closing(socket.create_server(("127.0.0.1", 0))) as listener:

        def answer() -> None:
            for _ in range(3):
                connection, _ = listener.accept()
                with connection:
                    connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        threading.Thread(target=answer, daemon=True).start()
        port = listener.getsockname()[1]
        with pytest.raises(DeliveryRefused, match="cannot talk to the mail server"):
            MailChannel(f"smtp://127.0.0.1:{port}").send(notification(), report())


def test_starttls_and_tls_demand_a_certificate_that_can_be_checked(
    serve: Callable[..., str], tmp_path: Path
) -> None:
    """A stranger's certificate is refused where TLS is asked for, taken where TLS is a bonus."""
    context = stranger(tmp_path)
    manners = Refusing()
    address = serve(manners, tls_context=context)
    with pytest.raises(DeliveryRefused, match="certificate"):
        MailChannel(f"smtp+starttls://{address}").send(notification(), report())
    assert manners.taken == []
    MailChannel(f"smtp://{address}").send(notification(), report())
    assert len(manners.taken) == 1

    with pytest.raises(DeliveryRefused, match="certificate"):
        MailChannel(f"smtps://{serve(manners, ssl_context=context)}").send(notification(), report())


def test_starttls_is_insisted_on(serve: Callable[..., str]) -> None:
    """A server that offers no TLS gets no mail through smtp+starttls."""
    manners = Refusing()
    with pytest.raises(DeliveryRefused):
        MailChannel(f"smtp+starttls://{serve(manners)}").send(notification(), report())
    assert manners.taken == []


def stranger(folder: Path) -> ssl.SSLContext:
    """A server's TLS with a certificate nobody vouches for."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    file = folder / "stranger.pem"
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("mail.example.org", "begins with 'nothing'"),
        ("http://mail.example.org", "begins with 'http'"),
        ("smtp://", "names no host"),
        ("smtp://mail.example.org:mail", "write smtp://host:25"),
        ("smtp://mail.example.org:99999", "write smtp://host:25"),
        ("smtp://mail.example.org?form=a@b.org", "unknown option 'form'"),
        ("smtp://mail.example.org?from=nobody", "'nobody' is not a mail address"),
        ("smtp://ada:secretword@mail.example.org", r"for all to read; write smtp\+starttls"),
    ],
)
def test_a_wrong_mail_server_url_says_what_is_right(url: str, complaint: str) -> None:
    """Each mistake has its sentence, and none repeats the password."""
    with pytest.raises(MailServerInvalid, match=complaint) as caught:
        MailChannel(url)
    assert "secretword" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "port"),
    [
        ("smtp://mail.example.org", 25),
        ("smtp+starttls://u:p@mail.example.org", 587),
        ("smtps://u:p@mail.example.org", 465),
        ("smtps://u:p@mail.example.org:2465?from=Copilot%20%3Cc@example.org%3E", 2465),
    ],
)
def test_ports_follow_from_the_scheme_unless_given(url: str, port: int) -> None:
    """RFC 8314's ports; a password never shows when a server is printed."""
    server = MailServer.from_url(url)
    assert server.port == port
    assert "'p'" not in repr(server)


def test_a_sender_may_have_a_name(inbox: LocalInbox) -> None:
    """`?from=` takes a name with the address."""
    MailChannel(f"{inbox.url}?from=Copilot%20%3Cc@example.org%3E").send(notification(), report())
    [mail] = inbox.messages()
    assert mail["From"] == "Copilot <c@example.org>"
    assert mail["Message-ID"].endswith("@example.org>")


def test_nobody_to_tell_is_a_refusal(inbox: LocalInbox) -> None:
    """Without any recipient the channel says so."""
    with pytest.raises(DeliveryRefused, match="configure a recipient"):
        MailChannel(inbox.url).send(notification(recipient=""), report())


def test_a_malformed_report_is_a_refusal(inbox: LocalInbox) -> None:
    """A delivery that can never succeed ends as a recorded refusal, not as a crash."""
    with pytest.raises(DeliveryRefused, match=r"malformed report.*confidence"):
        MailChannel(inbox.url).send(notification(), report(confidence="very"))


def test_visible_text_stays_as_it_is() -> None:
    """Only what acts is escaped: lines, tabs, accents and emoji stay."""
    for text in ("plain", "two\nlines\tand a tab", "naïve café", "данные", "🔥", str(uuid4())):
        assert visible(text) == text
    assert visible("a\x1b[0mb\u200b\x9bc\u2028") == "a\\x1b[0mb\\u200b\\x9bc\\u2028"
