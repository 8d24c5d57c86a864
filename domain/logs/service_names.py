"""Which service a log belongs to: by the name of its file, else by what its records say."""

import re
from collections import Counter
from collections.abc import Sequence

from domain.logs.record import LogRecord

TECHNOLOGY = "log.technology"
"""Attribute with the technology a format recognised (postgres, redis, nginx, ...)."""

_ALIASES = {
    "postgresql": "postgres", "pg": "postgres", "psql": "postgres", "postgre": "postgres",
    "httpd": "apache", "apache2": "apache", "mongod": "mongodb", "mongo": "mongodb",
    "nats-server": "nats", "redis-server": "redis", "mysqld": "mysql", "mariadbd": "mariadb",
    "rabbit": "rabbitmq",
}  # fmt: skip
"""Other names of technologies, and the name people use."""

_EMPTY = frozenset(
    [
        "log",
        "logs",
        "output",
        "out",
        "stdout",
        "stderr",
        "err",
        "error",
        "errors",
        "access",
        "messages",
        "syslog",
        "message",
        "console",
        "debug",
        "info",
        "warn",
        "warning",
        "all",
        "main",
        "default",
        "current",
        "latest",
        "new",
        "old",
        "txt",
        "json",
        "jsonl",
        "ndjson",
        "gz",
        "app",
        "application",
        "service",
        "server",
        "file",
        "raw",
        "sample",
        "slow",
        "general",
        "daemon",
        "user",
        "kern",
        "trace",
        "x86",
        "other",
        "combined",
        "data",
        "dump",
    ]
)
"""Parts of file names that say nothing about the service."""

_KIND = frozenset(
    [
        "log",
        "logs",
        "access",
        "error",
        "errors",
        "err",
        "out",
        "stdout",
        "stderr",
        "output",
        "slow",
        "debug",
        "main",
        "current",
        "json",
        "txt",
        "combined",
        "audit",
        "general",
        "query",
        "gc",
        "ssl",
        "console",
    ]
)
"""Parts behind a service's name that say which of its logs it is."""

_EXTENSION = re.compile(
    r"(?:\.(?:log|logs|txt|json|jsonl|ndjson|out|err|gz|bz2|xz|zst|old|bak|\d{1,4}))+$"
)
_DATE = re.compile(r"[._-]?\d{4}[-_.]?\d\d[-_.]?\d\d(?:[-_T.]?\d{2,6}){0,2}")
_VERSION = re.compile(r"v?\d[\d.]*$")

_LIBRARIES = frozenset(
    [
        "root",
        "__main__",
        "main",
        "app",
        "application",
        "server",
        "default",
        "uvicorn",
        "gunicorn",
        "werkzeug",
        "flask",
        "django",
        "fastapi",
        "starlette",
        "hypercorn",
        "celery",
        "kombu",
        "asyncio",
        "urllib3",
        "requests",
        "httpx",
        "httpcore",
        "aiohttp",
        "sqlalchemy",
        "psycopg",
        "psycopg2",
        "asyncpg",
        "redis",
        "pika",
        "kafka",
        "botocore",
        "boto3",
        "grpc",
        "concurrent",
        "logging",
        "tornado",
        "twisted",
        "alembic",
        "warnings",
        "py",
        "console",
        "http",
        "net",
        "sys",
        "api",
        "web",
        "worker",
        "stdout",
        "stderr",
        "org",
        "java",
        "javax",
        "jdk",
        "sun",
        "io",
        "akka",
        "netty",
        "hikari",
        "spring",
        "springframework",
        "hibernate",
        "tomcat",
        "apache",
        "express",
        "node",
        "npm",
        "systemd",
        "kernel",
        "cron",
    ]
)
"""Loggers of libraries and words for parts of a program; they are no service's name."""

_ACCESS_LOG = "web-access"
"""Technology of access logs: many servers write them, nginx most often."""

_ROOT_PACKAGES = frozenset({"org", "io", "java", "javax", "sun", "jdk", "ch", "reactor", "akka"})
_NAME = re.compile(r"[A-Za-z][\w.$/-]{0,80}$")


def canonical(name: str) -> str:
    """The name people use for it: `postgresql` is `postgres`; other names stay as they are."""
    return _ALIASES.get(name.lower(), name)


def service_of_file(name: str) -> str | None:
    """The service a log file's name speaks of; None where it says nothing.

    `log.nginx.txt`, `nginx-access.log`, `postgresql-15-main.log` -> nginx, nginx, postgres.
    """
    stem = _EXTENSION.sub("", name.replace("\\", "/").rsplit("/", 1)[-1])
    stem = _DATE.sub("", stem)
    stem = re.sub(r"^logs?[._-](?=\w)", "", stem, flags=re.IGNORECASE)
    stem = _EXTENSION.sub("", stem)
    parts = re.split(r"([._-])", stem)
    words = parts[::2]
    while len(words) > 1 and (words[-1].lower() in _KIND or _VERSION.match(words[-1])):
        words.pop()
    if not words or all(w.lower() in _EMPTY or _VERSION.match(w) or not w for w in words):
        return None
    versions = [i for i, word in enumerate(words) if i and _VERSION.match(word)]
    if versions:  # postgresql-15-main: the name stands before the version
        words = words[: versions[0]]
    joined = "".join(w + s for w, s in zip(words, [*parts[1::2], ""], strict=False))
    return canonical(joined.strip("._-")) or None


def service_of_logger(logger: str) -> str | None:
    """The service a logger's name speaks of; None for libraries and the like.

    `com.shop.ledger.Ledger` -> ledger, `orders.api.views` -> orders, `orders` -> orders.
    """
    if not _NAME.match(logger):
        return None
    parts = [part for part in re.split(r"[./$]", logger) if part]
    if not parts:
        return None
    if parts[-1][0].isupper() and len(parts) > 1:
        if parts[0] in _ROOT_PACKAGES:
            return None
        name = parts[-2]
    else:
        name = parts[0]
    if len(name) < 2 or name.lower() in _LIBRARIES or name.lower() in _EMPTY:
        return None
    return name


_BANNER = re.compile(
    r"(?:(?:starting|booting|launching) )?([a-z][a-z0-9]*(?:[-_][a-z0-9]+){0,4})"
    r"(?: server| daemon| service)?[ ,/]{1,2}(?:version )?v?\d{1,4}\.\d{1,4}[\w.+-]{0,30}"
    r"(?=[ ,:(]|$)[^\n]{0,60}?\b(?:start(?:ing|ed|s)?|listening|running|ready|launched)\b"
)
_RUNTIMES = frozenset(
    ["python", "node", "java", "jvm", "go", "ruby", "php", "perl", "erlang", "dotnet", "npm"]
)


def announced_name(body: str) -> str | None:
    """The name a program gives itself when it starts: `courier v0.19.4 starting` -> courier."""
    found = _BANNER.match(body[:200])
    if found is None:
        return None
    name = found[1]
    spoken = name.lower()
    unfit = spoken in _LIBRARIES or spoken in _EMPTY or spoken in _RUNTIMES
    return None if unfit or len(name) < 3 else name


def service_of_content(records: Sequence[LogRecord]) -> str | None:
    """The service most records speak of, by their service or logger, else by their technology."""
    tally = ServiceTally()
    for record in records:
        tally.add(
            record.service,
            str(record.attributes.get("log.logger", "")),
            str(record.attributes.get(TECHNOLOGY, "")),
        )
    return tally.dominant


class ServiceTally:
    """Counts what records say about their service."""

    __slots__ = ("_announced", "_loggers", "_services", "_technologies")

    def __init__(self) -> None:
        self._services: Counter[str] = Counter()
        self._loggers: Counter[str] = Counter()
        self._announced = ""
        self._technologies: Counter[str] = Counter()

    def add(self, service: str, logger: str, technology: str, body: str = "") -> None:
        """Count one record; each argument may be empty."""
        if body and not self._announced:
            self._announced = announced_name(body) or ""
        if service:
            self._services[service] += 1
        elif logger:
            self._loggers[logger] += 1
        if technology:
            self._technologies[technology] += 1

    @property
    def dominant(self) -> str | None:
        """The most frequent one; the first seen where two are equally frequent."""
        if self._services:
            return canonical(self._services.most_common(1)[0][0])
        names: Counter[str] = Counter()
        for logger, count in self._loggers.items():
            name = service_of_logger(logger)
            if name:
                names[name] += count
        if names:
            return canonical(names.most_common(1)[0][0])
        if self._announced:
            return canonical(self._announced)
        certain = [t for t, _ in self._technologies.most_common() if t != _ACCESS_LOG]
        if certain:
            return certain[0]
        return "nginx" if self._technologies else None
