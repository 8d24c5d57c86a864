"""Event state as msgpack, so that packed record chunks are stored as the bytes they are."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgpack
from eventsourcing.persistence import Transcoder

_UUID, _DATETIME = 1, 2
_MICROSECONDS = 1_000_000


class MsgpackTranscoder(Transcoder):
    """Event state as one msgpack map. Bytes stay bytes; UUIDs and UTC times are extensions."""

    def __init__(self) -> None:
        super().__init__()

    def encode(self, obj: Any) -> bytes:
        """Raises TypeError for a value no event may hold."""
        return msgpack.packb(obj, default=_extension, use_bin_type=True, strict_types=False)  # type: ignore[no-any-return]

    def decode(self, data: bytes) -> Any:
        """The state that `encode` was given."""
        return msgpack.unpackb(data, ext_hook=_value, raw=False, strict_map_key=False)


def _extension(value: Any) -> msgpack.ExtType:
    if isinstance(value, UUID):
        return msgpack.ExtType(_UUID, value.bytes)
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise TypeError(f"an event may not hold a time without a zone: {value!r}")
        microseconds = round(value.timestamp() * _MICROSECONDS)
        return msgpack.ExtType(_DATETIME, microseconds.to_bytes(8, "big", signed=True))
    raise TypeError(f"an event may not hold {type(value).__name__}: {value!r}")


def _value(code: int, data: bytes) -> Any:
    if code == _UUID:
        return UUID(bytes=data)
    if code == _DATETIME:
        microseconds = int.from_bytes(data, "big", signed=True)
        seconds, rest = divmod(microseconds, _MICROSECONDS)
        return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest)
    return msgpack.ExtType(code, data)
