"""Search by words and meaning, and search of records where they lie."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from application.searching import HybridSearch, fuse
from application.searching_records import RecordSearch, terms_of
from infrastructure.event_store.chunks import ZstdChunkCodec
from infrastructure.event_store.sqlite_log import SqliteEventLog
from projections.history.answers import TextHit
from projections.history.queries import HistoryQueries
from projections.history.read_model import open_history
from projections.history.words import all_of, any_of
from projections.vectors.embedding import EmbeddingUnavailable
from projections.vectors.queries import VectorHit
from tests.unit.projections.conftest import feed
from tests.unit.projections.story import SECOND, START, Story


def text_hit(kind: str, identity: str) -> TextHit:
    return TextHit(kind=kind, id=identity, title=identity, snippet=f"【{identity}】", score=1.0)


def vector_hit(kind: str, identity: str) -> VectorHit:
    return VectorHit(kind=kind, id=identity, title=identity, score=0.5, payload={})


class Words:
    def __init__(self, *hits: TextHit) -> None:
        self.hits = hits

    def search_text(self, query: str, limit: int) -> Sequence[TextHit]:
        return self.hits[:limit]


class Meaning:
    def __init__(self, *hits: VectorHit, error: Exception | None = None) -> None:
        self.hits = hits
        self.error = error

    def similar(self, text: str, *, kind: str | None, limit: int) -> Sequence[VectorHit]:
        if self.error:
            raise self.error
        return self.hits[:limit]


def test_what_both_lists_know_comes_first_and_says_why() -> None:
    """Second in both beats first in one; each hit names its lists and ranks."""
    search = HybridSearch(
        Words(text_hit("incident", "a"), text_hit("evidence", "both")),
        Meaning(vector_hit("pattern", "b"), vector_hit("diagnosis", "both")),
    )
    answer = search.search("x")
    first = answer.hits[0]
    assert (first.kind, first.id, first.snippet) == ("incident", "both", "【both】")
    assert [(f.by, f.kind, f.rank) for f in first.found_by] == [
        ("words", "evidence", 2), ("meaning", "diagnosis", 2),
    ]  # fmt: skip
    assert first.score == pytest.approx(2 / 62)
    assert answer.degraded is None


def test_an_incident_found_in_three_of_its_texts_is_one_hit() -> None:
    """Its best rank counts, and those behind it move up."""
    hits = fuse(
        {"words": [text_hit(k, "a") for k in ("report", "evidence")] + [text_hit("pattern", "p")]}
    )
    assert [(hit.id, hit.found_by[0].rank) for hit in hits] == [("a", 1), ("p", 2)]


def test_without_a_model_words_still_find_and_the_answer_says_so() -> None:
    """Search degrades, it does not fail."""
    meaning = Meaning(error=EmbeddingUnavailable("the package is not installed"))
    search = HybridSearch(
        Words(text_hit("incident", "a")), meaning, unavailable=(EmbeddingUnavailable,)
    )
    answer = search.search("x")
    assert [hit.id for hit in answer.hits] == ["a"]
    assert answer.degraded is not None
    assert "make setup" in answer.degraded
    assert HybridSearch(Words(), None).search("x").degraded is not None


def test_what_is_merely_nearest_is_not_found() -> None:
    """A question about something else finds nothing, though something is always nearest."""
    meaning = Meaning(vector_hit("pattern", "far"))
    assert HybridSearch(Words(), meaning, least_similarity=0.51).search("x").hits == []
    assert len(HybridSearch(Words(), meaning, least_similarity=0.5).search("x").hits) == 1


def test_an_error_nobody_expected_is_not_hidden() -> None:
    """Only what means 'unavailable' degrades."""
    with pytest.raises(ZeroDivisionError):
        HybridSearch(Words(), Meaning(error=ZeroDivisionError())).search("x")


@given(st.text(max_size=60))
def test_whatever_is_typed_is_no_syntax_error(text: str) -> None:
    """FTS5 takes every expression we build from typed text."""
    import sqlite3

    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE VIRTUAL TABLE t USING fts5(x)")
    for expression in (any_of(text), all_of(text)):
        if expression:
            connection.execute("SELECT * FROM t WHERE t MATCH ?", (expression,)).fetchall()
    connection.close()


def test_quoted_words_belong_together() -> None:
    """Everything else is single words."""
    assert terms_of('Disk "No space left" x') == ("disk", "no space left", "x")


class Library:
    """Three sources whose chunks overlap in time."""

    def __init__(self, log: SqliteEventLog) -> None:
        story = Story(log)
        for source in ("a", "b", "c"):
            story.source(source)
        for turn in range(4):
            for shift, source in enumerate(("a", "b", "c")):
                lines = [(17 if n == 1 else 9, f"{source} says {turn} {n}") for n in range(3)]
                story.records(source, lines, at=START + (turn * 20 + shift * 7 + turn) * SECOND)
        self.story = story


@pytest.fixture(params=["no index", "half an index", "an index"])
def records(request: pytest.FixtureRequest, log: SqliteEventLog, tmp_path: Path) -> RecordSearch:
    Library(log)
    if request.param == "no index":
        return RecordSearch(log, ZstdChunkCodec())
    model = open_history(tmp_path / "history.db")
    if request.param == "an index":
        feed(model, log)
    else:
        model.apply(log.read(0, 7, model.topics))
    return RecordSearch(log, ZstdChunkCodec(), HistoryQueries(model))


def test_records_come_newest_first_with_or_without_an_index(records: RecordSearch) -> None:
    """The answer does not depend on how far the index got."""
    found = records.search("", limit=100)
    times = [stored.record.time for stored in found]
    assert len(found) == 36
    assert times == sorted(times, reverse=True)
    assert records.search("", limit=5) == found[:5]
    assert records.search("", limit=0) == []


def test_records_are_filtered(records: RecordSearch) -> None:
    """By words whatever their case, source, service, severity and time."""

    def bodies(text: str, **filters: object) -> list[str]:
        return [s.record.body for s in records.search(text, **filters)]  # type: ignore[arg-type]

    assert bodies('"A SAYS" 3') == ["a says 3 2", "a says 3 1", "a says 3 0"]
    assert bodies('"b says 2"') == ["b says 2 2", "b says 2 1", "b says 2 0"]
    assert bodies("2", source="c", min_severity=17) == ["c says 2 1"]
    assert len(bodies("", service="a")) == 12
    assert bodies("", after=START + 20 * SECOND, before=START + 21 * SECOND, source="a") == [
        "a says 1 0"
    ]
    assert bodies("nothing like it") == []


def test_only_what_was_known_at_a_position(records: RecordSearch, log: SqliteEventLog) -> None:
    """A rerun sees what the first run saw."""
    assert len(records.search("", limit=100, as_of=log.head() - 3)) == 27


def test_records_around_one_cross_chunks(records: RecordSearch) -> None:
    """Before, itself, after; cut at the beginning; nothing where it is not."""
    assert [s.ref.sequence for s in records.around("b", 4, 2)] == [2, 3, 4, 5, 6]
    assert [s.ref.sequence for s in records.around("b", 1, 2)] == [1, 2, 3]
    assert [s.ref.sequence for s in records.around("b", 12, 1)] == [11, 12]
    assert records.around("b", 13, 2) == []
    assert records.around("nobody", 1) == []
