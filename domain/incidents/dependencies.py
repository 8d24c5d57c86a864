"""Who needs whom, as far as the records show.

A service that announces a port owns it; a record that names the port, the host or the technology
of another service shows that its writer needs that service.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from domain.knowledge.knowledge_base import KnowledgeBase
from domain.knowledge.vocabulary import Layer

_MAX_TEXT = 4_096

_ANNOUNCES = re.compile(
    r"(?i)\b(?:listen(?:ing|s)?|running|serving|started|bound|ready|accept(?:ing)?)\b"
    r"[^\n]{0,120}?(?::|\bport\b[\s=:\"']{1,3})(\d{2,5})\b"
)
"""'Listening at: http://127.0.0.1:8000', 'listening on IPv4 address "0.0.0.0", port 5432'."""
_SERVES = re.compile(r"\bserver: [^\s,]{0,80}:(\d{2,5})\b")
"""nginx names the listening socket it answers on in its error log."""
_NAMES_PORT = re.compile(
    r"(?i)(?:\b(?:\d{1,3}(?:\.\d{1,3}){3}|localhost|[a-z0-9][a-z0-9.-]{1,60})|\]):(\d{2,5})\b"
    r"|\bport[\s=:\"']{1,3}(\d{2,5})\b"
)
_HOST = re.compile(
    r"(?i)(?://|@|\bhost[\s=:\"']{1,3}|\bto |\bserver at \"?)([a-z][a-z0-9-]{1,40})[.:/\s\"',]"
)


_CALLED = re.compile(
    r"(?i)\b(?:upstream|service|backend|dependency|server|host|calling|call(?:ed)? to|request to|"
    r"reach(?:ing)?|connect(?:ing|ed)? to|response from|answer from|from)[ :='\"]{1,3}"
    r"([a-z][a-z0-9]{1,40}(?:[-_][a-z0-9]{1,40}){0,4})\b"
)
"""'upstream search-svc returned 503': the word behind such a word is a name."""


def announced_ports(text: str) -> list[int]:
    """TCP ports that the writer of this text says it listens on."""
    bounded = text[:_MAX_TEXT]
    if not any(
        word in bounded.lower() for word in ("port", "listen", "server:", "running", "http")
    ):
        return []
    found = [*_ANNOUNCES.findall(bounded), *_SERVES.findall(bounded)]
    return [int(port) for port in found if 1 < int(port) < 65_536]


def named_ports(text: str) -> list[int]:
    """TCP ports that a text names, as part of an address or after the word 'port'."""
    found = (a or b for a, b in _NAMES_PORT.findall(text[:_MAX_TEXT]))
    return [int(port) for port in found if 1 < int(port) < 65_536]


_NAMED_REQUEST = re.compile(r"\b(GET|HEAD|POST|PUT|PATCH|DELETE) (/[^\s\"'?,;]{0,300})")

_NAME_PART = re.compile(r"[a-z][a-z0-9]{2,40}")


def named_requests(text: str) -> set[str]:
    """The HTTP requests a text speaks of, as `POST /orders`, without their queries."""
    return {f"{method} {path}" for method, path in _NAMED_REQUEST.findall(text[:_MAX_TEXT])}


@dataclass(slots=True)
class DependencyGraph:
    """What is known about services: their ports, their technologies, who calls whom and why."""

    ports: dict[int, str] = field(default_factory=dict)
    technologies: dict[str, str] = field(default_factory=dict)
    edges: dict[tuple[str, str], str] = field(default_factory=dict)
    """(caller, callee) to the reason it is believed."""
    _services: dict[str, str] = field(default_factory=dict, repr=False, compare=False)
    """Services by their name in lower case."""
    _owners: dict[str, list[str]] = field(default_factory=dict, repr=False, compare=False)
    """Services by their technology."""
    _indexed: int = field(default=-1, repr=False, compare=False)

    def recognise(self, service: str, technology: str) -> None:
        """`service` is of this technology; empty where that is not known."""
        self.technologies[service] = technology
        self._indexed = -1

    def _index(self) -> None:
        """There may be thousands of services, and every record asks for some by name."""
        if self._indexed == len(self.technologies):
            return
        self._services = {service.lower(): service for service in self.technologies}
        self._owners = {}
        for service, technology in self.technologies.items():
            self._owners.setdefault(technology, []).append(service)
        self._indexed = len(self.technologies)

    def copy(self) -> "DependencyGraph":
        """The graph as it is now, for somebody who reads it in another thread."""
        return DependencyGraph(dict(self.ports), dict(self.technologies), dict(self.edges))

    def announce(self, service: str, port: int) -> None:
        """`service` listens on `port`; the last to say so owns it."""
        self.ports[port] = service

    def observe(self, service: str, text: str, knowledge: KnowledgeBase) -> None:
        """Learn from a record of `service` whom it needs."""
        for callee, reason in self._mentioned(service, text, knowledge):
            self.edges.setdefault((service, callee), reason)

    def observe_shared_request(self, one: str, other: str, request: str, proxies: set[str]) -> None:
        """Two services logged the same request: the proxy among them passed it on to the other."""
        for caller, callee in ((one, other), (other, one)):
            if caller in proxies and callee not in proxies:
                reason = f"{caller} and {callee} both logged {request}"
                self.edges.setdefault((caller, callee), reason)

    def _mentioned(
        self, service: str, text: str, knowledge: KnowledgeBase
    ) -> Iterable[tuple[str, str]]:
        for port in named_ports(text):
            owner = self.ports.get(port)
            if owner and owner != service and port not in announced_ports(text):
                yield owner, f"it names port {port}, on which {owner} listens"
        bounded = text[:_MAX_TEXT]
        hosts = {host.lower() for host in _HOST.findall(bounded)}
        hosts.update(name.lower() for name in _CALLED.findall(bounded))
        self._index()
        for other in self._named(sorted(hosts), service):
            yield other, f"it names the host {other}"
        yield from self._passed_on_to(service, text, knowledge)
        mentioned = set(knowledge.matcher.technologies_mentioned(text[:_MAX_TEXT]))
        mentioned.discard(self.technologies.get(service, ""))
        for technology in sorted(mentioned):
            owners = [owner for owner in self._owners.get(technology, []) if owner != service]
            if len(owners) == 1:
                title = knowledge.technologies[technology].title
                yield owners[0], f"its records speak of {title}, which {owners[0]} is"

    def _passed_on_to(
        self, service: str, text: str, knowledge: KnowledgeBase
    ) -> Iterable[tuple[str, str]]:
        """A proxy names the service it passes a request on to (`www shop_nodes/n1`)."""
        technology = self.technologies.get(service, "")
        if not technology or knowledge.technologies[technology].layer is not Layer.PROXY:
            return
        words = set(_NAME_PART.findall(text[:_MAX_TEXT].lower()))
        for other in self._named(sorted(words), service):
            yield other, f"{service} passes requests on to it by name"

    def _named(self, words: Iterable[str], service: str) -> Iterable[str]:
        """The known services, other than `service`, that go by one of these lower-case words."""
        found = (self._services.get(word) for word in words)
        return [other for other in found if other is not None and other != service]

    def callees(self, service: str) -> list[str]:
        """Services that `service` needs directly."""
        return [callee for (caller, callee) in self.edges if caller == service]

    def callers(self, service: str) -> list[str]:
        """Services that need `service` directly."""
        return [caller for (caller, callee) in self.edges if callee == service]

    def dependants(self, service: str) -> set[str]:
        """Every service that needs `service`, over any number of steps."""
        found: set[str] = set()
        waiting = [service]
        while waiting:
            for caller in self.callers(waiting.pop()):
                if caller not in found and caller != service:
                    found.add(caller)
                    waiting.append(caller)
        return found

    def linked(self, one: str, other: str) -> str | None:
        """Why two services belong together: the edge between them, in either direction."""
        return self.edges.get((one, other)) or self.edges.get((other, one))
