"""Reports by mail reach a real SMTP server, whatever the logs contain."""

import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from application.ports import DeliveryRefused
from domain.notifications.notification import Notification
from domain.provenance import Cause
from infrastructure.inbox import LocalInbox
from infrastructure.mail import MailChannel, MailServer, MailServerInvalid
from infrastructure.mail_report import MAX_ITEMS, render, visible

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


def test_a_report_arrives_in_the_inbox_as_text_and_html(inbox: LocalInbox) -> None:
    """Cause, proof and steps are in both bodies, and the returned id is the mail's."""
    message_id = MailChannel(f"{inbox.url}?from=copilot@example.org").send(notification(), report())

    [mail] = inbox.messages()
    assert mail["Message-ID"] == message_id
    assert mail["To"] == mail["Delivered-To"] == "ops@example.org"
    assert mail["From"] == "copilot@example.org"
    assert mail["Subject"] == "orders: down"
    for body in parts(mail):
        for said in (
            "CRITICAL",
            "Valkey is out of memory",
            "valkey#19, line 20",
            "maxmemory reached",
            "CONFIG SET maxmemory 64mb",
            "Set maxmemory in valkey.conf",
            "A leak in orders",
            "+maxmemory 64mb",
            "2026-11-23 16:27:11 UTC",
            "http://127.0.0.1:8501/incident?id=1",
            "aiops audit 11111111",
        ):
            assert said in body


def test_the_cause_comes_before_the_proof_and_the_proof_before_the_steps() -> None:
    """Who reads only the first screen knows what it is and what to do."""
    for body in render(report()):
        shown = body[body.index("ROOT CAUSE") :]
        places = [
            shown.index(said)
            for said in (
                "Valkey is out of memory",
                "maxmemory reached",
                "CONFIG SET maxmemory 64mb",
                "Set maxmemory in valkey.conf",
                "Writes fail.",
            )
        ]
        assert places == sorted(places)


def test_nothing_is_told_twice() -> None:
    """The cause once, equal proofs once with their count, steps not again as prose."""
    cause, step = "Valkey is out of memory", "CONFIG SET maxmemory 64mb"
    line = {"source": "orders", "line": 5, "sequence": 5, "quote": "17:00:01 POST /orders/1 failed"}
    again = {**line, "line": 9, "sequence": 9, "quote": "17:00:02 POST /orders/2 failed"}
    told = report(
        summary=f"Since noon orders fail. {cause}",
        why=f"{cause}\nmaxmemory is too low.\nSecond guess (4%): A leak in orders",
        what_to_do=f"Out of memory. First: {step}",
        citations=[line, again],
    )
    text, html = render(told)
    _, _, html = html.partition("ROOT CAUSE")  # before it stands what mail programs preview
    for body in (text, html):
        for said in (cause, step, "A leak in orders", "POST /orders"):
            assert body.count(said) == 1, said
        assert "and 1 more that says the same" in body
        assert "Since noon orders fail." in body
        assert "maxmemory is too low." in body


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))


HOSTILE = (
    "<script>alert(1)</script><img src=http://evil/x>{{ 7*7 }}&lt;\x1b]0;owned\x07\u202eexe.txt"
)


def test_log_text_never_becomes_markup_or_a_terminal_command() -> None:
    """Markup is escaped in HTML; control and bidirectional characters are shown, not sent."""
    everywhere = report(
        title=HOSTILE,
        service=HOSTILE,
        criticality=HOSTILE,
        error_class=HOSTILE,
        root_cause=HOSTILE,
        summary=HOSTILE,
        what_happened=HOSTILE,
        why=HOSTILE,
        impact=HOSTILE,
        what_to_do=HOSTILE,
        mitigation=[HOSTILE],
        steps=[HOSTILE],
        verify=[HOSTILE],
        patches=[{"path": HOSTILE, "diff": HOSTILE}],
        citations=[{"source": HOSTILE, "line": 1, "sequence": 0, "quote": HOSTILE}],
        hypotheses=[{"root_cause": HOSTILE + "!", "confidence": 0.5}],
        link=f"javascript:alert(1)//{HOSTILE}",
        audit_link=HOSTILE,
    )
    text, html = render(everywhere)

    tags = Tags()
    tags.feed(html)
    names = {tag for tag, _ in tags.seen}
    assert names.isdisjoint({"script", "img", "iframe", "object", "form", "link"})
    assert not [a for _, a in tags.seen if any(key.startswith("on") for key in a)]
    assert not [a for _, a in tags.seen if "href" in a or "src" in a]
    for body in (text, html):
        assert "\x1b" not in body
        assert "\x07" not in body
        assert "\u202e" not in body
        assert "\\x1b]0;owned\\x07\\u202e" in body
        assert "49" not in body
    assert "{{ 7*7 }}" in html


def test_a_mail_asks_no_other_machine_for_anything() -> None:
    """No image, style sheet, font or script comes from elsewhere; links are for people."""
    _, html = render(report())
    tags = Tags()
    tags.feed(html)
    assert not [a for tag, a in tags.seen if tag != "a" and ("src" in a or "href" in a)]
    assert "url(" not in html
    assert "@import" not in html


def test_a_newline_in_a_title_adds_no_header(inbox: LocalInbox) -> None:
    """Header injection through subject or title ends as harmless text of the subject."""
    evil = "down\r\nBcc: everyone@example.org\n\n<b>body</b>\x00"
    MailChannel(inbox.url).send(notification(subject=evil), report(title=evil))

    [mail] = inbox.messages()
    assert mail["Bcc"] is None
    assert mail["Subject"] == "down Bcc: everyone@example.org <b>body</b>\\x00"


def test_a_recipient_with_a_newline_is_refused(inbox: LocalInbox) -> None:
    """An address that would add headers is no address."""
    evil = "ops@example.org\nBcc: everyone@example.org"
    with pytest.raises(DeliveryRefused, match="is not a mail address"):
        MailChannel(inbox.url).send(notification(recipient=evil), report())
    assert inbox.messages() == []


def test_bytes_that_were_no_text_do_not_stop_the_mail(inbox: LocalInbox) -> None:
    """Lone surrogates of undecodable log bytes arrive as escapes; other scripts as they are."""
    quote = b"caf\xe9 \xff".decode("utf-8", "surrogateescape") + " данные 数据 🔥"
    MailChannel(inbox.url).send(
        notification(subject="ошибка \udcff"),
        report(citations=[{"source": "app", "line": None, "sequence": None, "quote": quote}]),
    )
    [mail] = inbox.messages()
    assert mail["Subject"] == "ошибка \\udcff"
    for body in parts(mail):
        assert "caf\\udce9 \\udcff данные 数据 🔥" in body


def test_a_huge_report_becomes_a_mail_of_readable_size(inbox: LocalInbox) -> None:
    """Long lines are cut, long lists counted, and no line breaks SMTP's limit of 998 bytes."""
    quotes = [chr(0x4E00 + n) + "x" * 20_000 for n in range(500)]
    lines = [{"source": "app", "line": 1, "sequence": 0, "quote": quote} for quote in quotes]
    MailChannel(inbox.url).send(
        notification(subject="s" * 5_000),
        report(
            citations=lines,
            steps=["y" * 100_000] * 100,
            patches=[{"path": "p", "diff": "+z\n" * 50_000}],
        ),
    )
    [mail] = inbox.messages()
    raw = mail.as_bytes()
    assert len(raw) < 300_000
    assert max(map(len, raw.splitlines())) <= 998
    assert f"{500 - MAX_ITEMS} more lines" in parts(mail)[0]


def test_an_incident_without_a_cause_says_so() -> None:
    """Honest when nothing was found; nothing empty is shown as a heading."""
    bare = {"incident_id": str(INCIDENT), "title": "Errors in app"}
    for body in render(bare):
        assert "The cause is not in these logs." in body
        assert "DO NOW" not in body
        assert "PROOF" not in body


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
