"""How the dashboard puts untrusted text, times and numbers on a page."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from interfaces.dashboard import markup, wording

NOW = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)


@given(st.text(max_size=300), st.lists(st.text(min_size=1, max_size=20), max_size=4))
def test_no_text_becomes_markup(text: str, quotes: list[str]) -> None:
    """Whatever stands in a log line, the only tags on the page are ours."""
    shown = markup.log_line(1, text, "hit", [*quotes, text[3:9]])
    rest = str(shown)
    for ours in ("<mark>", "</mark>", '<span class="tx">', '<span class="no">', "</span>"):
        rest = rest.replace(ours, "")
    rest = rest.replace('<div class="ln hit">', "").replace("</div>", "")
    assert "<" not in rest
    assert ">" not in rest


@given(st.text(max_size=300), st.lists(st.text(min_size=1, max_size=20), max_size=4))
def test_marking_quotes_loses_no_text(text: str, quotes: list[str]) -> None:
    """Overlapping, repeated and missing quotes leave every character in its place."""
    shown = markup.highlighted(text, [*quotes, text[2:12], text[5:20]])
    bare = str(shown).replace("<mark>", "").replace("</mark>", "")
    assert bare == str(markup.text(text))


def test_a_quote_deep_in_a_huge_line_is_shown() -> None:
    """The cut is made around the first quote; what is left out is counted."""
    shown = markup.highlighted("x" * 50_000 + "needle" + "y" * 50_000, ["needle"])
    assert "<mark>needle</mark>" in shown
    assert len(shown) < 2 * markup.MAX_LINE
    assert "more characters" in shown


@given(st.text(max_size=200), st.lists(st.text(min_size=1, max_size=8), max_size=3))
def test_an_excerpt_is_a_piece_of_the_record(text: str, terms: list[str]) -> None:
    """Marks aside it is a run of the record's own characters."""
    shown = markup.excerpt(text, [term.casefold() for term in terms], width=40)
    bare = str(shown).replace("<mark>", "").replace("</mark>", "")
    bare = bare.removeprefix("… ").removesuffix(" …")
    assert bare in str(markup.text(text)) or len(text) > 40


@given(st.text(max_size=300))
def test_nothing_a_screen_would_obey_is_left(text: str) -> None:
    """Escapes, direction marks and line separators are written out."""
    shown = wording.visible(text)
    assert all(c in "\t\n" or c.isprintable() or c.isspace() for c in shown if ord(c) < 0x80)
    assert not set(shown) & set("\x1b\x07\x08\u202e\u2066\u2028\u200b")


def test_markdown_is_written_out() -> None:
    """A title cannot become bold, a link, an icon or an image."""
    shown = wording.plain("**b** [x](http://e) :material/home: <img> $1$ `c`")
    for special in "*[]():<>$`":
        assert shown.count(special) == shown.count("\\" + special)


def test_only_markup_passes_as_markup() -> None:
    """A plain string in a table is text, also when it looks like a tag."""
    shown = markup.table(["a"], [["<b>x</b>"], [Markup("<i>y</i>")]])
    assert "&lt;b&gt;" in shown
    assert "<i>y</i>" in shown


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(None, wording.DASH), (0, "0 s"), (0.25, "250 ms"), (4.2, "4.2 s"), (61, "1 min 1 s"),
     (3600, "1 h"), (90_061, "1 d 1 h")],
)  # fmt: skip
def test_durations_have_two_units_at_most(seconds: float | None, expected: str) -> None:
    """Short enough to read at a glance."""
    assert wording.duration(seconds) == expected


@pytest.mark.parametrize(
    ("delta", "expected"), [(2, "just now"), (59, "59 s ago"), (7300, "2 h ago"), (-60, "in 1 min")]
)
def test_times_are_told_from_now(delta: int, expected: str) -> None:
    """One unit; the future too, because clocks differ."""
    assert wording.ago(NOW - timedelta(seconds=delta), NOW) == expected


@given(st.integers(min_value=-(2**63), max_value=2**64))
def test_any_number_of_nanoseconds_is_a_time(nanoseconds: int) -> None:
    """A forged timestamp does not break the page."""
    assert wording.at_ns(nanoseconds).tzinfo is not None
