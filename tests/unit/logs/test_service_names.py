"""The service of a log, by its file's name or by its content."""

import pytest

from domain.logs.framing import PhysicalLine
from domain.logs.parser import SourceParser
from domain.logs.record import LogRecord
from domain.logs.service_names import service_of_content, service_of_file, service_of_logger
from infrastructure.format_files import load_formats


@pytest.mark.parametrize(
    ("name", "service"),
    [
        ("log.nginx.txt", "nginx"),
        ("nginx.log", "nginx"),
        ("log.nginx-error.txt", "nginx"),
        ("nginx-access.log", "nginx"),
        ("nginx.access.log", "nginx"),
        ("/var/log/nginx-access.log.2.gz", "nginx"),
        ("postgresql-15-main.log", "postgres"),
        ("log.postgres.txt", "postgres"),
        ("orders-api.log", "orders-api"),
        ("orders_2026-11-23.log", "orders"),
        ("payment-service.log", "payment-service"),
        ("edge-error.txt", "edge"),
        ("redis-server.log", "redis"),
        ("log.txt", None),
        ("app.log", None),
        ("syslog", None),
        ("error.log", None),
        ("access.log.1", None),
        ("stdout", None),
        ("messages", None),
        ("2026-11-23.log", None),
    ],
)
def test_a_file_is_named_after_its_service(name: str, service: str | None) -> None:
    """A name that says nothing gives None."""
    assert service_of_file(name) == service


@pytest.mark.parametrize(
    ("logger", "service"),
    [
        ("com.shop.ledger.Ledger", "ledger"),
        ("orders.api.views", "orders"),
        ("orders", "orders"),
        ("uvicorn.error", None),
        ("org.hibernate.engine.Jdbc", None),
        ("root", None),
        ("[]", None),
    ],
)
def test_a_logger_may_name_the_service(logger: str, service: str | None) -> None:
    """Libraries are no services."""
    assert service_of_logger(logger) == service


def records_of(*texts: str, service: str | None = None) -> list[LogRecord]:
    parser = SourceParser("log.txt", load_formats(), service=service)
    lines = [PhysicalLine(n, text, n) for n, text in enumerate(texts, start=1)]
    return [item.record for item in parser.feed(lines, 10**18) + parser.flush(10**18)]


def test_every_record_gets_the_service_most_of_them_name() -> None:
    """Also the first ones, which a library wrote."""
    records = records_of(
        "2026-11-23 13:55:48,000 INFO [urllib3] retry",
        *["2026-11-23 13:55:48,555 INFO [orders] placed"] * 40,
        "2026-11-23 13:55:49,000 WARNING [sqlalchemy] slow",
    )
    assert {record.service for record in records} == {"orders"}
    assert service_of_content(records) == "orders"


def test_a_record_that_names_its_service_keeps_it() -> None:
    """One syslog file holds many services."""
    records = records_of("Nov 23 13:00:01 h sshd[1]: a", "Nov 23 13:00:01 h cron[2]: b")
    assert [record.service for record in records] == ["sshd", "cron"]


def test_a_service_given_wins_over_the_content() -> None:
    """What the record says of itself is kept as an attribute."""
    (record,) = records_of('{"service":"a","msg":"x"}', service="edge")
    assert record.service == "edge"
    assert record.attributes["log.service"] == "a"
