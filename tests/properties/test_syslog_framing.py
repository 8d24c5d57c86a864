"""Syslog over a byte stream: however it is cut, framed or broken."""

from hypothesis import given
from hypothesis import strategies as st

from infrastructure.collectors.syslog import MAX_MESSAGE, FrameSplitter, Sender

MESSAGE = st.binary(max_size=60).map(
    lambda text: b"<11>x" + text.replace(b"\n", b" ").replace(b"\0", b" ").replace(b"\r", b" ")
)


def split(stream: bytes, size: int) -> list[bytes]:
    """The messages of a stream that arrives in pieces of `size` bytes."""
    splitter = FrameSplitter()
    frames = [
        f for at in range(0, len(stream), size) for f in splitter.feed(stream[at : at + size])
    ]
    return [frame.data for frame in frames + splitter.rest()]


@given(
    st.lists(st.tuples(MESSAGE, st.sampled_from(["counted", "newline", "nul"]))), st.integers(1, 40)
)
def test_messages_come_out_as_they_went_in(sent: list[tuple[bytes, str]], size: int) -> None:
    """Framings may even change from message to message."""
    stream = b""
    for message, framing in sent:
        if framing == "counted":
            stream += b"%d " % len(message) + message
        else:
            stream += message + (b"\n" if framing == "newline" else b"\0")
    assert split(stream, size) == [message for message, _ in sent]


@given(st.binary(max_size=400), st.integers(1, 50))
def test_any_bytes_are_split_alike_and_give_messages(stream: bytes, size: int) -> None:
    """Nothing raises, nothing depends on how the network cut it, and every source is harmless."""
    whole = split(stream, max(1, len(stream)))
    assert split(stream, size) == whole
    sender = Sender("192.0.2.7")
    splitter = FrameSplitter()
    for frame in [*splitter.feed(stream), *splitter.rest()]:
        source = sender.message(frame).source
        assert source.startswith("syslog")
        assert not set(source) & set("/\\ \n\x1b#")


@given(st.integers(MAX_MESSAGE + 1, 999_999_999), st.integers(1, 20))
def test_an_announced_length_reserves_no_memory(announced: int, blocks: int) -> None:
    """What a message has beyond the limit is counted and let go."""
    splitter = FrameSplitter()
    splitter.feed(b"%d <11>" % announced)
    given = 4
    for _ in range(blocks):
        room = min(1 << 16, announced - given - 1)
        splitter.feed(b"x" * room)
        given += room
    (frame,) = splitter.rest()
    assert len(frame.data) + frame.dropped == given
    assert len(frame.data) <= MAX_MESSAGE
