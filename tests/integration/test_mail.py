"""Reports by mail reach a real SMTP server, whatever the logs contain."""

from html.parser import HTMLParser

import pytest

from application.ports import DeliveryRefused
from infrastructure.inbox import LocalInbox
from infrastructure.mail import MailChannel
from infrastructure.mail_report import MAX_ITEMS, render
from tests.integration.mail_servers import INCIDENT, notification, parts, report


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
