"""From log lines to an audited diagnosis in a mailbox, and back again."""

import json
import shutil
import signal
import socket
import sqlite3
import time
from collections.abc import Iterator
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.e2e.command_line import CommandLine
from tests.e2e.shop_logs import REFUSED, broken

TO = "oncall@shop.example"
VISIBLE_WITHIN = 60.0
"""Seconds; a line in is an incident in under two on a machine that is not busy."""


class Mailbox:
    """Keeps what a real SMTP server was given."""

    def __init__(self) -> None:
        self.mails: list[bytes] = []

    async def handle_DATA(self, _: SMTP, __: Session, envelope: Envelope) -> str:  # noqa: N802
        self.mails.append(bytes(envelope.content or b""))
        return "250 kept"


@pytest.fixture(scope="module")
def mailed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[CommandLine, Mailbox]]:
    """A store that has taken in the broken shop's logs and sent its reports."""
    mailbox = Mailbox()
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    server = Controller(mailbox, hostname="127.0.0.1", port=port, ready_timeout=60)
    server.start()
    aiops = CommandLine(
        tmp_path_factory.mktemp("mailed"),
        AIOPS_SMTP_URL=f"smtp://127.0.0.1:{port}",
        AIOPS_MAIL_TO=TO,
    )
    ran = aiops("ingest", *broken(aiops.folder / "logs"), "--data", aiops.data)
    assert (ran.code, ran.err) == (0, "")
    yield aiops, mailbox
    server.stop()


def culprit(aiops: CommandLine) -> dict[str, Any]:
    """The incident of the database."""
    items = aiops("incidents", "--data", aiops.data, "--json").json["items"]
    found: dict[str, Any] = next(i for i in items if i["service"] == "postgres")
    return found


def test_the_report_of_the_root_cause_arrives_by_mail(mailed: tuple[CommandLine, Mailbox]) -> None:
    """With the cause, the line that proves it, and what to do."""
    aiops, mailbox = mailed
    incident = culprit(aiops)
    assert incident["error_class"] == "connections_exhausted"
    mails = [message_from_bytes(mail, policy=default) for mail in mailbox.mails]
    mail = next(mail for mail in mails if incident["title"] in mail["subject"])
    assert mail["to"] == TO
    for kind in ("plain", "html"):
        body = mail.get_body((kind,))
        assert body is not None
        text = body.get_content()
        assert REFUSED in text
        assert "max_connections" in text


def test_an_unbroken_chain_leads_from_the_mail_to_the_source(
    mailed: tuple[CommandLine, Mailbox],
) -> None:
    """Every cause is in the trail, before its effect, in one correlation."""
    aiops, _ = mailed
    trail = aiops("audit", culprit(aiops)["id"], "--data", aiops.data, "--json").json["events"]
    known = {event["id"]: event for event in trail}
    step = next(event for event in trail if event["event"] == "NotificationDelivered")
    walked = [step]
    while step["causation_id"] is not None:
        cause = known[step["causation_id"]]
        assert cause["position"] < step["position"]
        step = cause
        walked.append(step)
    names = [step["event"] for step in walked]
    assert names[-1] == "SourceRegistered"
    for name in (
        "NotificationRequested", "DiagnosisReached", "InvestigationConcluded", "StepCompleted",
        "InvestigationRequested", "IncidentOpened", "RecordsAppended",
    ):  # fmt: skip
        assert name in names


def test_read_models_may_be_deleted_and_answer_as_before(
    mailed: tuple[CommandLine, Mailbox], tmp_path: Path
) -> None:
    """Byte for byte, for each of them and for all."""
    aiops, _ = mailed
    identity = culprit(aiops)["id"]

    def answers() -> list[str]:
        ran = [
            aiops(*question, "--data", aiops.data, "--json")
            for question in (
                ("incidents",), ("incident", identity), ("search", "too many clients"),
            )
        ]  # fmt: skip
        assert [r.code for r in ran] == [0] * 3, ran
        return [r.out for r in ran]

    before = answers()
    parts = {
        "history": ["history.db", "history.db-wal", "history.db-shm"],
        "dashboard": ["dashboard.db", "dashboard.db-wal", "dashboard.db-shm"],
        "vectors": ["vectors"],
    }
    assert {p.name for p in aiops.data.iterdir()} >= {"history.db", "dashboard.db", "vectors"}
    for names in (["history"], list(parts)):
        for part in (part for name in names for part in parts[name]):
            path = aiops.data / part
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
        name = names[0] if len(names) == 1 else "all"
        assert aiops("rebuild", name, "--data", aiops.data).code == 0
        assert answers() == before


def test_a_tampered_row_is_named_by_table_key_and_column(
    mailed: tuple[CommandLine, Mailbox], tmp_path: Path
) -> None:
    """And put right."""
    aiops, _ = mailed
    identity = culprit(aiops)["id"]
    data = tmp_path / "tampered"
    shutil.copytree(aiops.data, data)
    with sqlite3.connect(data / "history.db") as connection:
        key, title = connection.execute(
            "SELECT id, title FROM incidents WHERE service='postgres'"
        ).fetchone()
        connection.execute("UPDATE incidents SET title='all is well' WHERE id=?", (key,))
    connection.close()
    ran = aiops("rebuild", "history", "--verify", "--data", data, "--json")
    assert ran.code == 1
    assert ran.json["ok"] is False
    told = ran.json["projections"]["history"]["differences"]
    for word in ("incidents", str(key), "title", "all is well", title):
        assert any(word in difference for difference in told), (word, told)
    assert aiops("incident", identity, "--data", data, "--json").json["title"] == title
    assert aiops("rebuild", "history", "--verify", "--data", data, "--json").json["ok"] is True


def test_a_running_system_takes_lines_in_and_answers_the_command_line(tmp_path: Path) -> None:
    """POST lines, see the incident in the API, read it with the CLI through that API."""
    aiops = CommandLine(tmp_path)
    files = broken(tmp_path / "logs")
    process = aiops.start("up", "--port", "0", "--no-dashboard", "--data", aiops.data, "--json")
    try:
        assert process.stdout is not None
        url = json.loads(process.stdout.readline())["api"]
        with httpx.Client(base_url=url, trust_env=False, timeout=60) as api:
            for file in files:
                answer = api.post(
                    "/api/v1/logs",
                    params={"source": file.stem},
                    content=file.read_bytes(),
                    headers={"content-type": "text/plain"},
                )
                assert answer.status_code < 300, answer.text
            deadline = time.monotonic() + VISIBLE_WITHIN
            found: list[dict[str, Any]] = []
            while not any(incident["diagnosed"] for incident in found):
                assert time.monotonic() < deadline, "no diagnosed incident came"
                time.sleep(0.2)
                items = api.get("/api/v1/incidents").json()["items"]
                found = [i for i in items if i["error_class"] == "connections_exhausted"]
            identity = found[0]["id"]
        assert identity in [
            item["id"] for item in aiops("incidents", "--data", aiops.data, "--json").json["items"]
        ]
        shown = aiops("incident", identity, "--data", aiops.data, "--json").json
        assert shown["diagnosis"]["error_class"] == "connections_exhausted"
        trail = aiops("audit", identity, "--data", aiops.data, "--json").json["events"]
        assert "DiagnosisReached" in [event["event"] for event in trail]
        answer = aiops("search", REFUSED, "--data", aiops.data, "--json").json
        assert any(REFUSED in record["text"] for record in answer["records"])
        assert answer["note"] == ""
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
        assert process.returncode == 0
        again = aiops("incident", identity, "--data", aiops.data, "--json").json
        assert again["diagnosis"] == shown["diagnosis"]
        assert aiops("search", REFUSED, "--data", aiops.data, "--json").json == answer
    finally:
        aiops.end()
