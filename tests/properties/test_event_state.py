"""What goes into the store comes out equal, whatever it is."""

from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.logs.record import LogRecord
from domain.logs.source import GENESIS, RecordsAppended
from infrastructure.event_store.chunks import ChunkCorrupted, ZstdChunkCodec
from infrastructure.event_store.transcoder import MsgpackTranscoder

INTEGERS = st.integers(min_value=-(2**80), max_value=2**80)
TEXT = st.text(st.characters())  # lone surrogates included: logs hold broken characters
TIMES = st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=45))]))
SCALARS = (
    st.none()
    | st.booleans()
    | INTEGERS
    | st.floats(allow_nan=False)
    | TEXT
    | st.binary()
    | st.uuids()
    | TIMES
)
STATE = st.dictionaries(
    TEXT,
    st.recursive(
        SCALARS,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
        max_leaves=10,
    ),
    max_size=6,
)
PLAIN = st.none() | st.booleans() | INTEGERS | st.floats(allow_nan=False) | TEXT
ATTRIBUTES = st.dictionaries(TEXT, PLAIN | st.lists(PLAIN, max_size=3), max_size=4)
RECORDS = st.builds(
    LogRecord,
    body=TEXT,
    observed_timestamp=INTEGERS,
    timestamp=st.none() | INTEGERS,
    severity_number=st.integers(0, 24),
    severity_text=TEXT,
    attributes=ATTRIBUTES,
    resource=ATTRIBUTES,
    trace_id=TEXT,
    span_id=TEXT,
    line=st.integers(0, 2**40),
    line_count=st.integers(1, 1_000),
)
CODEC = ZstdChunkCodec()


def a_chunk(records: list[LogRecord], packed: bytes, previous: bytes = GENESIS) -> RecordsAppended:
    return RecordsAppended(
        originator_id=UUID(int=1),
        originator_version=2,
        timestamp=datetime.now(UTC),
        actor="collector",
        correlation_id=UUID(int=1),
        causation_id=None,
        source="any",
        service="any",
        first_sequence=1,
        count=len(records),
        first_time=0,
        last_time=0,
        severity_counts={},
        pattern_counts={},
        checkpoint={},
        previous_hash=previous,
        packed=packed,
    )


@given(STATE)
def test_any_event_state_comes_back_equal(state: dict[str, object]) -> None:
    """Ids, times to the microsecond, bytes, huge numbers and broken characters, however nested."""
    transcoder = MsgpackTranscoder()
    assert transcoder.decode(transcoder.encode(state)) == state


def test_a_time_without_a_zone_is_refused() -> None:
    """An event cannot say when it happened in a time nobody can place."""
    with pytest.raises(TypeError, match="without a zone"):
        MsgpackTranscoder().encode({"at": datetime(2026, 1, 1)})  # noqa: DTZ001


@given(st.lists(RECORDS, min_size=1, max_size=8), st.data())
def test_any_records_come_back_equal(records: list[LogRecord], data: st.DataObject) -> None:
    """Packing and unpacking changes neither records nor their patterns."""
    patterns = [data.draw(st.sampled_from(["a", "b", "c"])) for _ in records]
    chunk = a_chunk(records, CODEC.pack(records, patterns, GENESIS))
    unpacked = CODEC.unpack(chunk)
    assert [s.record for s in unpacked] == records
    assert [s.pattern_id for s in unpacked] == patterns


@given(st.lists(RECORDS, min_size=1, max_size=4), st.data())
def test_changed_bytes_never_end_in_another_error(
    records: list[LogRecord], data: st.DataObject
) -> None:
    """Damage is told as ChunkCorrupted, or shows in the chunk's hash; nothing else escapes."""
    packed = bytearray(CODEC.pack(records, ["a"] * len(records), GENESIS))
    place = data.draw(st.integers(0, len(packed) - 1))
    packed[place] ^= data.draw(st.integers(1, 255))
    try:
        CODEC.unpack(a_chunk(records, bytes(packed)))
    except ChunkCorrupted as damaged:
        assert "any#1" in str(damaged)  # noqa: PT017 - either outcome is right
