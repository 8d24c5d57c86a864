"""msgpack as the store writes it: every value an event or a record may hold comes back equal."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgpack

_UUID, _DATETIME, _INTEGER = 1, 2, 3
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def pack(value: Any) -> bytes:
    """Raises TypeError for a value that may not be stored."""
    try:
        return msgpack.packb(value, default=_extension, use_bin_type=True)  # type: ignore[no-any-return]
    except UnicodeEncodeError:
        # Lone surrogates: JSON may hold them, UTF-8 may not. Rare, and the slower way to write.
        return msgpack.packb(  # type: ignore[no-any-return]
            value, default=_extension, use_bin_type=True, unicode_errors="surrogatepass"
        )


def unpack(data: bytes) -> Any:
    """What `pack` was given. Raises ValueError for other bytes."""
    return msgpack.unpackb(
        data, ext_hook=_value, raw=False, strict_map_key=False, unicode_errors="surrogatepass"
    )


def _extension(value: Any) -> msgpack.ExtType:
    if isinstance(value, UUID):
        return msgpack.ExtType(_UUID, value.bytes)
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise TypeError(f"an event may not hold a time without a zone: {value!r}")
        microseconds = (value - _EPOCH) // _MICROSECOND
        return msgpack.ExtType(_DATETIME, microseconds.to_bytes(8, "big", signed=True))
    if isinstance(value, int):  # beyond 64 bits: a number in a log is as long as it likes
        size = value.bit_length() // 8 + 1
        return msgpack.ExtType(_INTEGER, value.to_bytes(size, "big", signed=True))
    raise TypeError(f"an event may not hold {type(value).__name__}: {value!r}")


def _value(code: int, data: bytes) -> Any:
    if code == _UUID:
        return UUID(bytes=data)
    if code == _DATETIME:
        return _EPOCH + int.from_bytes(data, "big", signed=True) * _MICROSECOND
    if code == _INTEGER:
        return int.from_bytes(data, "big", signed=True)
    return msgpack.ExtType(code, data)
