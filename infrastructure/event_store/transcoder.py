"""Event state as msgpack, so that packed record chunks are stored as the bytes they are."""

from typing import Any

from eventsourcing.persistence import Transcoder

from infrastructure.event_store.packing import pack, unpack


class MsgpackTranscoder(Transcoder):
    """Encodes event state as one msgpack map, in which bytes stay bytes."""

    def __init__(self) -> None:
        super().__init__()

    def encode(self, obj: Any) -> bytes:
        """Raises TypeError for a value no event may hold."""
        return pack(obj)

    def decode(self, data: bytes) -> Any:
        """The state that `encode` was given."""
        return unpack(data)
