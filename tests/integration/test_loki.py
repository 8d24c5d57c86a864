"""Loki's push API: what its clients send, in both encodings, and what somebody hostile does."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cramjam
import httpx
import logging_loki
import pytest

from application.chunking import Chunk
from application.intake import DEFAULT_CAPACITY, Origin
from domain.logs.record import ERROR, INFO, ORIGINAL, WARN, LogRecord
from tests.served_system import ServedSystem

PATH = "/loki/api/v1/push"
AT = 1767607200000000001


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedSystem]:
    served = ServedSystem(tmp_path_factory.mktemp("loki"))
    yield served
    served.close()


def push(served: ServedSystem, *streams: tuple[dict[str, str], list[str]]) -> httpx.Response:
    """Push lines as JSON, a nanosecond apart."""
    told = [
        {"stream": labels, "values": [[str(AT + n), line] for n, line in enumerate(lines)]}
        for labels, lines in streams
    ]
    return served.client.post(PATH, json={"streams": told})


def field(number: int, content: bytes) -> bytes:
    """A length-delimited protobuf field."""
    return varint(number << 3 | 2) + varint(len(content)) + content


def varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def push_request(labels: str, lines: list[str], metadata: dict[str, str] | None = None) -> bytes:
    """A logproto.PushRequest, byte by byte as pkg/push/push.proto lays it out."""
    stream = field(1, labels.encode())
    for n, line in enumerate(lines):
        when = b"\x08" + varint(AT // 10**9) + b"\x10" + varint(AT % 10**9 + n)
        entry = field(1, when) + field(2, line.encode())
        for name, value in (metadata or {}).items():
            entry += field(3, field(1, name.encode()) + field(2, value.encode()))
        stream += field(2, entry)
    return field(1, stream)


def push_packed(served: ServedSystem, request: bytes, **headers: str) -> httpx.Response:
    """Push protobuf as promtail does."""
    return served.client.post(
        PATH,
        content=bytes(cramjam.snappy.compress_raw(request)),
        headers={"Content-Type": "application/x-protobuf", **headers},
    )


def test_a_real_client_s_lines_arrive(served: ServedSystem) -> None:
    """python-logging-loki: labels name service and source, its level is the severity."""
    handler = logging_loki.LokiHandler(
        url=f"{served.url}{PATH}", tags={"app": "basket", "host": "web1"}, version="1"
    )
    problems: list[logging.LogRecord] = []
    handler.handleError = problems.append  # type: ignore[method-assign]
    logger = logging.getLogger("shop.loki")
    logger.propagate = False
    logger.addHandler(handler)
    logger.error("cannot save basket %d", 7, extra={"tags": {"zone": "b"}})
    handler.close()
    assert not problems
    (record,) = served.records()["loki-basket"]
    assert record.body == "cannot save basket 7"
    assert (record.severity_number, record.severity_text) == (ERROR, "error")
    assert record.service == "basket"
    assert record.resource["host.name"] == "web1"
    assert record.attributes["zone"] == "b"
    assert record.attributes["log.logger"] == "shop.loki"
    assert record.timestamp is not None


def test_protobuf_packed_with_snappy_is_taken(served: ServedSystem) -> None:
    """Labels, time to the nanosecond, structured metadata, trace; 204 without a body."""
    request = push_request(
        '{service_name="orders", namespace="prod", quote="say \\"hi\\""}',
        ["level=warn msg=slow order=7"],
        {"trace_id": "5B8EFFF798038103D269B633813FC60C", "thread": "t-1"},
    )
    answer = push_packed(served, request)
    assert (answer.status_code, answer.content) == (204, b"")
    (record,) = served.records()["loki-orders"]
    assert record.body == "slow"
    assert record.severity_number == WARN
    assert record.timestamp == AT
    assert record.trace_id == "5b8efff798038103d269b633813fc60c"
    assert record.resource["k8s.namespace.name"] == "prod"
    assert record.attributes["quote"] == 'say "hi"'
    assert record.attributes["thread"] == "t-1"


def test_senders_that_name_the_packing_are_taken_too(served: ServedSystem) -> None:
    """Vector says Content-Encoding: snappy."""
    request = push_request('{app="named"}', ["x"])
    assert push_packed(served, request, **{"Content-Encoding": "snappy"}).status_code == 204
    assert len(served.records()["loki-named"]) == 1


def test_lines_are_understood_as_in_a_file(served: ServedSystem) -> None:
    """Formats are found, and stack traces are one record, sent as lines or in one entry."""
    trace = [
        "Traceback (most recent call last):",
        '  File "/srv/shop/save.py", line 7, in save',
        "OSError: [Errno 28] No space left on device",
    ]
    head = "2026-03-04 10:00:00,123 ERROR shop.basket cannot save"
    after = "2026-03-04 10:00:01,000 INFO shop.basket next"
    push(served, ({"job": "shop/lines"}, [head, *trace, after]))
    push(served, ({"job": "shop/whole"}, ["\n".join([head, *trace]), after]))
    for source in ("loki-shop_lines", "loki-shop_whole"):
        failed, next_one = served.records()[source]
        assert failed.severity_number == ERROR
        assert failed.attributes["exception.type"] == "OSError"
        assert failed.line_count == 4
        assert (next_one.severity_number, next_one.line) == (INFO, 5)
        assert next_one.attributes[ORIGINAL] == after


def test_a_line_s_own_time_counts_before_the_sender_s(served: ServedSystem) -> None:
    """And the sender's counts where the line has none."""
    push(served, ({"app": "timed"}, ["2026-03-04T10:00:00Z INFO started", "no time here"]))
    own, senders = served.records()["loki-timed"]
    assert own.timestamp == 1772618400 * 10**9
    assert senders.timestamp == AT + 1


def test_a_job_that_gathers_services_does_not_rename_them(served: ServedSystem) -> None:
    """`job=varlogs` of promtail's example: each line's program is its service."""
    line = "Nov 23 13:00:01 web1 sshd[24200]: Invalid user webmaster"
    push(served, ({"job": "varlogs", "filename": "/var/log/auth.log"}, [line]))
    (record,) = served.records()["loki-varlogs"]
    assert record.service == "sshd"
    assert record.attributes["log.file.path"] == "/var/log/auth.log"


def test_secrets_are_redacted_in_lines_labels_and_metadata(served: ServedSystem) -> None:
    """Nothing of a secret is stored."""
    request = push_request(
        '{app="secretive", password="label-secret-1"}',
        ["connect with password=line-secret-2 failed"],
        {"api_key": "metadata-secret-3"},
    )
    push_packed(served, request)
    everything = repr(served.records()["loki-secretive"])
    assert "REDACTED" in everything
    assert "-secret-" not in everything


@pytest.mark.parametrize(
    "document",
    [
        [],
        {"streams": 7},
        {"streams": [7]},
        {"streams": [{"stream": [], "values": []}]},
        {"streams": [{"stream": {}, "values": [["now", "x"]]}]},
        {"streams": [{"stream": {}, "values": [["1", {"x": 1}]]}]},
        {"streams": [{"stream": {}, "values": [["1"]]}]},
    ],
)
def test_json_of_another_form_is_refused(served: ServedSystem, document: Any) -> None:
    """400 as problem details; nothing is taken."""
    answer = served.client.post(PATH, json=document)
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"


def test_broken_packing_messages_and_labels_are_refused(served: ServedSystem) -> None:
    """Neither snappy, nor protobuf, nor labels: 400 each, and the server goes on."""
    headers = {"Content-Type": "application/x-protobuf"}
    assert served.client.post(PATH, content=b"\xff" * 40, headers=headers).status_code == 400
    assert served.client.post(PATH, content=b"", headers=headers).status_code == 400
    assert push_packed(served, b"\xff\xff no protobuf").status_code == 400
    for labels in ("app=shop", '{app="shop}', '{app="a" host="b"}', "{" + '"' * 5000 + "}"):
        assert push_packed(served, push_request(labels, ["x"])).status_code == 400
    assert served.client.get("/healthz").status_code == 200


def test_a_small_packed_body_cannot_become_a_huge_one(served: ServedSystem) -> None:
    """413, by the length it declares and by its true one."""
    assert push_packed(served, b"\0" * (17 << 20)).status_code == 413
    lying = b"\xff\xff\xff\xff\x0f" + b"\0" * 10
    headers = {"Content-Type": "application/x-protobuf"}
    assert served.client.post(PATH, content=lying, headers=headers).status_code == 413


def test_labels_make_harmless_names_and_are_bounded(served: ServedSystem) -> None:
    """No path out of a label, not more attributes than anybody else may have."""
    labels = {"app": "../../etc/shadow\n\x1b[2J", **{f"l{n}": "v" * 99_999 for n in range(150)}}
    assert push(served, (labels, ["x"])).status_code == 204
    (source,) = [name for name in served.records() if "shadow" in name]
    assert "/" not in source
    (record,) = served.records()[source]
    assert len(record.attributes) <= 130
    assert "\x1b" not in record.service


def test_a_full_queue_is_429_with_retry_after(tmp_path: Path) -> None:
    """Promtail and its like come back then."""
    served = ServedSystem(tmp_path, writing=False)
    intake = served.system.write_side.intake
    intake.submit(Origin("big", "api", "test"), Chunk([LogRecord("x", 1)], size=DEFAULT_CAPACITY))
    answer = push(served, ({"app": "late"}, ["x"]))
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) >= 1
    assert json.loads(answer.content)["type"].endswith("queue-full")
    served.system.write_side.start_writer()
    served.close()
