"""Logs of a small shop: a gateway, an application, a database that runs out of connections."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

_BEGIN = datetime(2026, 3, 4, 10, tzinfo=UTC)
_HEALTHY, _BROKEN = range(120), range(120, 160)
REFUSED = "sorry, too many clients already"


def healthy(folder: Path) -> list[Path]:
    """Traffic without a fault."""
    return [
        _written(folder / "nginx-access.log", [_access(i, 200) for i in _HEALTHY]),
        _written(folder / "basket.log", [_served(i) for i in _HEALTHY]),
        _written(folder / "postgresql.log", [_checkpoint(i) for i in _HEALTHY if i % 10 == 0]),
    ]


def broken(folder: Path) -> list[Path]:
    """The same, then the database has no connection slot left and everything above it fails."""
    access = [_access(i, 200) for i in _HEALTHY] + [_access(i, 502) for i in _BROKEN]
    basket = [_served(i) for i in _HEALTHY] + [line for i in _BROKEN for line in _failed(i)]
    database = [_checkpoint(i) for i in _HEALTHY if i % 10 == 0]
    database += [
        f"{_at(i, '%Y-%m-%d %H:%M:%S')}.200 UTC [{70 + i}] FATAL:  {REFUSED}" for i in _BROKEN
    ]
    return [
        _written(folder / "nginx-access.log", access),
        _written(folder / "nginx-error.log", [_gateway_error(i) for i in _BROKEN]),
        _written(folder / "basket.log", basket),
        _written(folder / "postgresql.log", database),
    ]


def _at(second: int, form: str) -> str:
    return (_BEGIN + timedelta(seconds=second)).strftime(form)


def _written(path: Path, lines: list[str]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n")
    return path


def _access(i: int, status: int) -> str:
    return (
        f"10.0.0.{i % 9 + 1} - - [{_at(i, '%d/%b/%Y:%H:%M:%S')} +0000] "
        f'"GET /basket/{i} HTTP/1.1" {status} {300 + i} "-" "curl/8.0"'
    )


def _gateway_error(i: int) -> str:
    return (
        f"{_at(i, '%Y/%m/%d %H:%M:%S')} [error] 31#31: *{i} upstream prematurely closed connection "
        "while reading response header from upstream, client: 10.0.0.3, server: shop.example, "
        f'request: "GET /basket/{i} HTTP/1.1", upstream: "http://10.0.0.20:8000/basket/{i}"'
    )


def _served(i: int) -> str:
    stamp = _at(i, "%Y-%m-%d %H:%M:%S")
    return f"{stamp},{i:03d} INFO basket.views request {i} served in {i % 17 + 3} ms"


def _failed(i: int) -> list[str]:
    return [
        f"{_at(i, '%Y-%m-%d %H:%M:%S')},300 ERROR basket.views request {i} failed",
        "Traceback (most recent call last):",
        '  File "/srv/basket/views.py", line 41, in show',
        "    connection = pool.connect()",
        f"psycopg2.OperationalError: connection to 10.0.0.40:5432 failed: FATAL:  {REFUSED}",
    ]


def _checkpoint(i: int) -> str:
    stamp = _at(i, "%Y-%m-%d %H:%M:%S")
    return f"{stamp}.100 UTC [{70 + i}] LOG:  checkpoint complete: wrote {i + 3} buffers (0.1%)"
