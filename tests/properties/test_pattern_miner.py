"""The miner is a function of what it was told: for all messages, orders and restarts."""

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.patterns.masking import Masking, counted
from domain.patterns.miner import Mined, Miner
from domain.patterns.template import atoms, describes, skeleton, tidy

whatever_the_speed = settings(deadline=None, max_examples=200)
WORDS = st.one_of(
    st.sampled_from(["open", "close", "user", "root", "ada", "eve", "failed", "for", "on", "null"]),
    st.sampled_from(["7", "0x1f", "10.0.0.1", "12 ms", "key=x", "key=y", "=", ":"]),
    st.sampled_from(["a.b.c", "a.b.d", "a.b.e", "node-1", "rack-2"]),
)
LINES = st.lists(st.lists(WORDS, min_size=1, max_size=6).map(" ".join), max_size=60)


def mine(miner: Miner, bodies: list[str]) -> list[Mined]:
    """What each message taught."""
    return [miner.assign(body) for body in bodies]


def restored(facts: list[Mined]) -> Miner:
    """A new miner, told the discoveries and generalizations of another."""
    miner = Miner()
    for fact in facts:
        if fact.discovered or fact.generalized:
            miner.restore(fact.pattern_id, fact.template)
    return miner


@whatever_the_speed
@given(LINES)
def test_the_same_messages_give_the_same_patterns(bodies: list[str]):
    """Nothing random, nothing of the process, decides."""
    assert mine(Miner(), bodies) == mine(Miner(), bodies)


@whatever_the_speed
@given(LINES, LINES)
def test_a_restart_changes_nothing(before: list[str], after: list[str]):
    """Restored from its own events, a miner goes on as if it had not stopped."""
    lasting = Miner()
    facts = mine(lasting, before)
    fresh = restored(facts)
    assert fresh.templates() == lasting.templates()
    assert [fresh.current(f.pattern_id) for f in facts] == [
        lasting.current(f.pattern_id) for f in facts
    ]
    assert mine(fresh, before + after) == mine(lasting, before + after)


@whatever_the_speed
@given(LINES)
def test_a_message_stays_with_its_pattern(bodies: list[str]):
    """What a message found first leads to what it finds last."""
    miner = Miner()
    first = [mined.pattern_id for mined in mine(miner, bodies)]
    assert [miner.assign(body).pattern_id for body in bodies] == [miner.current(p) for p in first]


@whatever_the_speed
@given(LINES)
def test_every_pattern_describes_its_messages(bodies: list[str]):
    """The template of a message's final pattern is at least as wide as the message's own."""
    miner, mask = Miner(), Masking()
    ids = [mined.pattern_id for mined in mine(miner, bodies)]
    templates = miner.templates()
    for body, pattern in zip(bodies, ids, strict=True):
        own = skeleton(atoms(tidy(mask.shape(counted(body)))))
        assert describes(skeleton(atoms(templates[miner.current(pattern)])), own)


@whatever_the_speed
@given(LINES)
def test_a_pattern_is_discovered_once(bodies: list[str]):
    """Ids are unique over discoveries, and each of them is known for ever."""
    miner = Miner()
    discovered = [mined.pattern_id for mined in mine(miner, bodies) if mined.discovered]
    assert len(discovered) == len(set(discovered))
    assert {miner.current(pattern) for pattern in discovered} == set(miner.templates())


@whatever_the_speed
@given(st.lists(st.text(max_size=300), max_size=20))
def test_any_text_at_all_is_mined_the_same_after_a_restart(bodies: list[str]):
    """No text fails, and none depends on what is forgotten."""
    miner = Miner()
    facts = mine(miner, bodies)
    again = restored(facts)
    assert again.templates() == miner.templates()
    assert mine(again, bodies) == mine(miner, bodies)


@whatever_the_speed
@given(st.text(max_size=400))
def test_the_atoms_of_a_template_join_to_it(text: str):
    """Taking a template apart loses nothing."""
    assert "".join(atoms(text)) == text


@whatever_the_speed
@given(st.text(alphabet="0123456789 <>[]()=,.:;/-_\"'|%@", max_size=200))
def test_digits_do_not_change_a_shape(text: str):
    """Replacing every digit by another leaves the shape as it is."""
    other = text.translate(str.maketrans("12345", "67890"))
    assert Masking().shape(counted(text)) == Masking().shape(counted(other))
