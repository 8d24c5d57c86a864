"""The points a batch of events makes, before anything is embedded."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from domain.provenance import identify

Payload = dict[str, Any]


def point_id(kind: str, identity: str) -> str:
    """The id of the point of one thing: projecting it again finds the same point."""
    return str(identify("vector", kind, identity))


class Points:
    """Points as they are after the events so far: read from the store once, written at the end.

    A payload says everything a hit shows; `text` is what is embedded.
    """

    def __init__(self, read: Callable[[str], Payload | None]) -> None:
        self._read = read
        self._known: dict[str, Payload | None] = {}
        self.changed: dict[str, Payload] = {}

    def get(self, kind: str, identity: UUID) -> Payload | None:
        """A copy of the payload, None where there is no such point."""
        key = point_id(kind, str(identity))
        if key not in self._known:
            self._known[key] = self._read(key)
        found = self._known[key]
        return None if found is None else dict(found)

    def put(self, kind: str, identity: UUID, *, title: str, text: str, **facts: Any) -> None:
        """Make or replace a point."""
        key = point_id(kind, str(identity))
        payload = {"kind": kind, "id": str(identity), "title": title, "text": text, **facts}
        self._known[key] = self.changed[key] = payload

    def change(self, kind: str, identity: UUID, **facts: Any) -> None:
        """Change facts of a point that is there. Raises LookupError where it is not."""
        payload = self.get(kind, identity)
        if payload is None:
            raise LookupError(f"there is no {kind} {identity}")
        key = point_id(kind, str(identity))
        self._known[key] = self.changed[key] = {**payload, **facts}
