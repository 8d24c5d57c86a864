"""Whatever a model or a log writes, reading it ends in a value or in a plain refusal."""

import json
from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st

from infrastructure.agents.crew.fencing import Fence, visible
from infrastructure.agents.crew.near_json import NoJsonFound, json_object

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
OBJECTS = st.dictionaries(st.text(), VALUES, max_size=5)


@given(OBJECTS, st.text(st.characters(exclude_characters="{}<>"), max_size=40))
def test_valid_json_is_read_as_it_is_whatever_stands_around_it(
    value: dict[str, object], around: str
) -> None:
    """Mending never changes what needs no mending."""
    assert json_object(f"{around}{json.dumps(value)}{around}") == value


@given(OBJECTS.filter(bool))
def test_trailing_commas_change_nothing(value: dict[str, object]) -> None:
    """The commonest slip of models."""
    assert json_object(json.dumps(value)[:-1] + " ,\n}") == value


@given(st.text(st.sampled_from('{}[]",:\\/* \n') | st.characters(), max_size=80))
def test_any_text_is_read_or_refused(text: str) -> None:
    """No other exception ever leaves the reader."""
    with suppress(NoJsonFound):
        assert isinstance(json_object(text), dict)


@given(st.text())
def test_fenced_text_holds_nothing_that_acts_on_a_terminal(text: str) -> None:
    """Every control character is gone, and the fence has exactly two marks."""
    shown = visible(text)
    assert all(c == "\t" or c.isprintable() or c.isspace() for c in shown)
    assert "\x1b" not in shown
    fenced = Fence().around("t", shown)
    assert not fenced or fenced.startswith("t\nDATA ")
