"""Messages that say the same share a pattern; messages that say something else do not."""

from uuid import UUID

import pytest

from domain.patterns import miner as mining
from domain.patterns.miner import Miner
from domain.patterns.pattern import pattern_id


def patterns(*bodies: str) -> list[str]:
    """The final pattern of each message, mined in order by one miner."""
    miner = Miner()
    assigned = [miner.assign(body).pattern_id for body in bodies]
    return [miner.current(pattern) for pattern in assigned]


def test_the_same_message_has_the_same_pattern():
    """Nothing is discovered the second time."""
    miner = Miner()
    first, second = miner.assign("listening on port 80"), miner.assign("listening on port 80")
    assert first.discovered
    assert not second.discovered
    assert not second.generalized
    assert first.pattern_id == second.pattern_id
    assert len(miner) == 1


def test_a_pattern_is_named_after_its_first_template():
    """The id is the text of the aggregate's id."""
    mined = Miner().assign("took 12ms")
    assert mined.template == "took <duration>"
    assert UUID(mined.pattern_id) == pattern_id("took <duration>")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("block blk_123 of 4 received", "block blk_-98765 of 12 received"),
        ("job 7 done in 3 ms", "job 123456 done in 12.5 ms"),
        ("worker-3 is ready", "worker-12 is ready"),
        ("GET from 10.0.0.1:80 refused", "GET from 192.168.1.77:65000 refused"),
        ("session 0x14f05578bd8001b closed", "session 0x24ed93119420016 closed"),
        ("offset=-5 reached", "offset=17 reached"),
        ("pod web-7d9f8b6c5d-x2k4q gone", "pod web-58c9bd7f4-z8p2m gone"),
        ("request 9f86d081884c7d65 ended", "request 0a2b91c3d4e5f607 ended"),
    ],
)
def test_numbers_never_split_a_pattern(one: str, other: str):
    """Counts, addresses and ids are what varies by nature."""
    first, second = patterns(one, other)
    assert first == second


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("connection refused by peer", "connection reset by peer"),
        ("transaction started", "transaction stopped"),
        ("state is NEW", "state is DONE"),
        ("java.io.IOException: broken pipe", "java.lang.Error: broken pipe"),
        ('msg="no space left on device"', 'msg="too many open files here"'),
        ('"GET /a HTTP/1.1" 200', '"POST /a HTTP/1.1" 200'),
    ],
)
def test_words_that_differ_split_patterns(one: str, other: str):
    """A word is no slot for being rare."""
    first, second = patterns(one, other)
    assert first != second


def test_a_place_with_many_values_becomes_a_slot():
    """Early patterns become part of the oldest, whose template widens."""
    names = ["ada", "bob", "cleo", "dora", "emil", "fred", "gert", "hans", "ines"]
    miner = Miner()
    ids = [miner.assign(f"login failed for user {name} on console").pattern_id for name in names]
    assert {miner.current(pattern) for pattern in ids} == {ids[0]}
    assert miner.templates() == {ids[0]: "login failed for user <*> on console"}
    assert len(miner) == 1
    assert not miner.assign("login failed for user zoe on console").generalized


def test_what_widened_a_template_says_so():
    """The message that proves a slot reports the wider template, and discovers nothing."""
    miner = Miner()
    miner.assign("failed to open session for root now")
    mined = miner.assign("failed to open session for 1001 now")
    assert mined.generalized
    assert not mined.discovered
    assert mined.template == "failed to open session for <*> now"


def test_a_single_word_that_varies_stays_the_message():
    """One-word messages never fall together."""
    names = [f"event{chr(97 + i)}{chr(97 + i // 3)}" for i in range(20)]
    assert len(set(patterns(*names))) == 20


@pytest.mark.parametrize(
    ("body", "template"),
    [
        ("connect to 10.0.0.1:5432 failed", "connect to <ip>:<port> failed"),
        ("from fe80::1ff:fe23:4567:890a ok", "from <ip> ok"),
        ("upstream api.example.com:443 down", "upstream <host>:<port> down"),
        ("read /var/lib/x/y.db in 3.5 seconds", "read <path> in <duration>"),
        (r"loaded C:\Windows\x.dll twice", "loaded <path> twice"),
        ("id=550e8400-e29b-41d4-a716-446655440000 ok", "id=<uuid> ok"),
        ("mail to ada@example.org sent", "mail to <email> sent"),
        ("fetching https://example.org/a?b=c now", "fetching <url> now"),
        ("at 2024-01-02T10:11:12.345Z started", "at <time> started"),
        ("for 2024-01-02 or 10/11/2024 only", "for <time> or <time> only"),
        ("on Thu Aug 04 15:29:45 PDT 2005 ended", "on <time> ended"),
        ("freed 12.5 KB of 3GB", "freed <size> of <size>"),
        ("can't open 'a b' here", "can't open '<str>' here"),
        ("child 0xdeadbeef exited", "child <hex> exited"),
        ('{"user": "x", "n": 5}', '{"user": "<str>", "n": <num>}'),
        ("ids 1, 2, 3, 4 seen", "ids <num> ... seen"),
        ("server node-4:8020. Tried 3 times", "server node-<num>:<num>. Tried <num> times"),
        ("peer 5c:50:15:4c:18:13 is gone", "peer <hex> is gone"),
        ("disk 6005-08b4-0001-00c6-003d gone at once", "disk <uuid> gone at once"),
        ("disk 6005-08b4-00c6-003d gone at once", "disk <hex> gone at once"),
        (
            "from 82-68-222-194.dsl.example.net ok",
            "from <num>-<num>-<num>-<num>.dsl.example.net ok",
        ),
        ("Brcm43xx flush2DB jk2_init done", "Brcm43xx flush2DB jk<num>_init done"),
        ("raised at foo.py:12 today", "raised at foo.py:<num> today"),
        ("and/or std::string a::b", "and/or std::string a::b"),
    ],
)
def test_slots_are_named_after_what_they_hold(body: str, template: str):
    """A person reads what varies, and words are never glued."""
    assert Miner().assign(body).template == template


def test_a_trace_is_known_by_its_head_and_its_exception():
    """The frames between do not matter, the type raised does."""
    trace = "Traceback (most recent call last):\n  File {}\n{}: 'x'"
    one, same, other = patterns(
        trace.format("a.py", "KeyError"),
        trace.format("b.py, line 9, in f\n    y()", "KeyError"),
        trace.format("a.py", "app.errors.ValueError"),
    )
    assert one == same
    assert one != other


@pytest.mark.parametrize(
    "body",
    [
        "",
        " ",
        "\n\n",
        "x" * 1_000_000,
        "\x00" * 5000,
        "!@#$%^&*(){}[]<>;:'\",./?\\|" * 200,
        "\u202eabc \u05d0\u05d1 \u200f123",
        " ".join(f"token{i}x" for i in range(10_000)),
        "\ud800 lone surrogate",
        "<num> <*> <ip> literal slots",
        '"' * 3001,
        "a." * 5000,
        "/a" * 5000,
        "0:" * 5000,
    ],
)
def test_hostile_messages_find_a_pattern_too(body: str):
    """Whatever it is, it has one pattern, of bounded, printable text, and has it again."""
    miner = Miner()
    first = miner.assign(body)
    assert miner.assign(body).pattern_id == first.pattern_id
    assert len(first.template) <= 3 * 2048
    assert first.template.isprintable() or first.template == ""


def test_long_messages_share_a_pattern_by_their_head():
    """Values inside the cut do not move what counts."""
    tail = "word " * 1000
    first, second = patterns(f"query 1 took 5 ms: {tail}", f"query 123456 took 77 ms: {tail}")
    assert first == second


def test_memory_of_shapes_is_bounded_and_forgetting_changes_nothing(monkeypatch):
    """Ids stay the same when shapes were forgotten."""
    monkeypatch.setattr(mining, "_REMEMBERED", 1000)
    miner = Miner()
    bodies = [f"{a} {b} happened again" for a in "abcd" for b in ("lion", "tiger", "bear")]
    first = [miner.assign(body).pattern_id for body in bodies]
    for memory in (miner._lines, miner._shapes):
        assert len(memory.recent) + len(memory.older) <= 10
    assert [miner.assign(body).pattern_id for body in bodies] == [miner.current(i) for i in first]


def test_with_too_many_patterns_the_rest_is_one(monkeypatch):
    """Patterns are bounded too: what is like none of them goes to `<*>`."""
    monkeypatch.setattr(mining, "MOST_PATTERNS", 3)
    miner = Miner()
    known = miner.assign("one thing").pattern_id
    mined = [miner.assign(body) for body in ("two", "three", "four", "five", "six", "seven")]
    assert mined[-1].template == "<*>"
    assert mined[-1].pattern_id == mined[-2].pattern_id
    assert len(miner) == 4
    assert miner.assign("one thing").pattern_id == known


def test_restored_in_any_order_a_wide_template_keeps_what_it_took_in():
    """The absorbed pattern leads to its survivor even when it is restored after it."""
    miner = Miner()
    wide, narrow = str(pattern_id("a")), str(pattern_id("b"))
    miner.restore(wide, "login of user <*> failed")
    miner.restore(narrow, "login of user root failed")
    assert miner.current(narrow) == wide
    assert miner.assign("login of user eve failed").pattern_id == wide
    assert len(miner) == 1


def test_an_unknown_pattern_is_its_own_current():
    """Asking never fails."""
    assert Miner().current("nothing") == "nothing"
