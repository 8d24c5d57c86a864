"""What the history answers after a life of real events."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from domain.incidents.incident import Incident
from domain.knowledge.vocabulary import Criticality
from infrastructure.event_store.sqlite_log import SqliteEventLog
from projections.history.answers import AmbiguousId
from projections.history.queries import CursorUnreadable, HistoryQueries
from projections.history.read_model import open_history
from projections.sql_read_model import SqlReadModel
from tests.unit.projections.conftest import feed
from tests.unit.projections.story import CAUSE, SECOND, START, Story, anomaly

Life = tuple[Story, Incident]


@pytest.fixture
def model(tmp_path: Path) -> Iterator[SqlReadModel]:
    model = open_history(tmp_path / "history.db")
    yield model
    model.close()


@pytest.fixture
def queries(life: Life, log: SqliteEventLog, model: SqlReadModel) -> HistoryQueries:
    return HistoryQueries(feed(model, log))


def test_nothing_of_a_whole_life_is_parked(queries: HistoryQueries) -> None:
    """Every kind of event is understood."""
    assert queries.parked() == []


def test_an_incident_row_says_what_was_found(queries: HistoryQueries, life: Life) -> None:
    """Once diagnosed it carries the diagnosis' title, class, culprit and criticality."""
    (row,) = queries.incidents().items
    assert row.id == str(life[1].id)
    assert row.short_id == row.id[:8]
    assert (row.title, row.service, row.error_class) == (
        "db: the disk is full", "db", "disk_exhausted",
    )  # fmt: skip
    assert (row.state, row.criticality, row.diagnosed) == ("acknowledged", "critical", True)
    assert (row.services, row.anomaly_count, row.record_count) == (["web", "db"], 2, 6)
    assert (row.first_time, row.last_time) == (START + 2 * SECOND, START + 3 * SECOND)
    assert row.opened_at.tzinfo is not None


def test_an_incident_has_its_whole_story(queries: HistoryQueries, life: Life) -> None:
    """Detail: anomalies with evidence, models of the domain, the run, mails, timeline, verdicts."""
    incident = queries.incident(life[1].id.hex[:8])
    assert incident is not None
    assert incident.anomalies == [
        anomaly("web", 2),
        anomaly("db", 2, "PANIC: could not write", Criticality.CRITICAL),
    ]
    assert incident.diagnosis is not None
    assert incident.diagnosis.root_cause == "the disk is full"
    assert incident.remediation is not None
    assert incident.report is not None
    assert incident.context is not None
    (run,) = incident.investigations
    assert [(s.step, s.engine, s.status) for s in run.steps] == [
        ("context", "crew", "failed"),
        ("context", "knowledge", "completed"),
        ("diagnosis", "knowledge", "completed"),
        ("fix", "knowledge", "completed"),
        ("report", "knowledge", "completed"),
    ]
    assert [f.to_engine for f in run.fallbacks] == ["knowledge"]
    assert len(run.tool_calls) == 4
    assert run.model_calls[0].messages == [{"role": "user", "content": "why?"}]
    (mail,) = incident.notifications
    assert (mail.status, mail.attempts, mail.reason) == ("delivered", 2, "451 try later")
    assert [f.correct for f in incident.feedback] == [True]
    kinds = [row.kind for row in incident.timeline]
    assert kinds == [
        "symptom", "symptom", "opened", "evidence", "escalated", "investigating", "diagnosed",
        "notified", "acknowledged", "feedback",
    ]  # fmt: skip


def test_a_mail_given_up_says_so(life: Life, log: SqliteEventLog, model: SqlReadModel) -> None:
    """Nobody may believe that somebody was told."""
    story, incident = life
    second = story.investigate(incident, ordinal=2)
    story.notify(second, fails=2, arrives=False)
    found = HistoryQueries(feed(model, log)).incident(str(incident.id))
    assert found is not None
    assert [n.status for n in found.notifications] == ["delivered", "abandoned"]
    assert "was given up: tried often enough" in found.timeline[-1].text


def test_an_id_nobody_has_finds_nothing(queries: HistoryQueries) -> None:
    """Unknown, empty or senseless ids are simply not there."""
    for wanted in ("00000000", "", "%", "not-an-id", "db'; DROP TABLE incidents"):
        assert queries.incident(wanted) is None


def test_a_prefix_of_two_is_refused(log: SqliteEventLog, model: SqlReadModel) -> None:
    """With 17 incidents two ids begin alike, and the error names them."""
    story = Story(log)
    ids = [str(story.incident(f"incident {n}", anomaly("web", n + 1)).id) for n in range(17)]
    first = [i[0] for i in ids]
    shared = next(digit for digit in first if first.count(digit) > 1)
    with pytest.raises(AmbiguousId, match="give more of it"):
        HistoryQueries(feed(model, log)).incident(shared)


def test_pages_hold_every_incident_once_most_recent_first(
    log: SqliteEventLog, model: SqlReadModel
) -> None:
    """Following the cursor visits everything, in order."""
    story = Story(log)
    made = [str(story.incident(f"incident {n}", anomaly("web", n + 1)).id) for n in range(23)]
    queries = HistoryQueries(feed(model, log))
    seen: list[str] = []
    cursor: str | None = None
    while True:
        page = queries.incidents(limit=5, cursor=cursor)
        seen += [row.id for row in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert seen == made[::-1]


@pytest.mark.parametrize("cursor", ["x", "1", "1.", ".a", "99999999999999999999.a", "é.b"])
def test_a_made_up_cursor_is_refused(queries: HistoryQueries, cursor: str) -> None:
    """The message says what a cursor is."""
    with pytest.raises(CursorUnreadable, match="next_cursor"):
        queries.incidents(cursor=cursor)


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({"state": "acknowledged"}, 1),
        ({"state": "open"}, 0),
        ({"service": "web"}, 1),
        ({"service": "cache"}, 0),
        ({"criticality": "critical"}, 1),
        ({"error_class": "timeout"}, 0),
        ({"text": "panic write"}, 1),
        ({"text": "panic unicorn"}, 0),
        ({"text": "orders lost"}, 1),
        ({"text": '"" OR *'}, 0),
    ],
)
def test_incidents_are_filtered(
    queries: HistoryQueries, filters: dict[str, str], found: int
) -> None:
    """By state, any involved service, criticality, class and words of diagnosis or evidence."""
    assert len(queries.incidents(**filters).items) == found  # type: ignore[arg-type]


def test_sources_add_up(queries: HistoryQueries) -> None:
    """Records, rejects, shed ones and severities of each source."""
    db, web = queries.sources()
    assert (db.name, db.records, db.rejected, db.shed) == ("db.log", 3, 2, 7)
    assert db.severity_counts == {"warn": 1, "error": 1, "fatal": 1}
    assert (db.status, db.last_problem) == ("collecting", "gone; bring it back")
    assert (web.first_time, web.last_time) == (START, START + SECOND)


def test_chunks_that_cannot_match_are_left_out(queries: HistoryQueries) -> None:
    """By source, service, time, severity and pattern; newest first."""

    def sources(**filters: object) -> list[str]:
        return [c.source for c in queries.chunks(**filters)]  # type: ignore[arg-type]

    assert sources() == ["db.log", "web.log"]
    assert sources(source="web.log") == ["web.log"]
    assert sources(service="db") == ["db.log"]
    assert sources(after=START + 10 * SECOND) == ["db.log"]
    assert sources(before=START) == ["web.log"]
    assert sources(min_severity=20) == ["db.log", "web.log"]
    assert sources(min_severity=21) == ["db.log"]
    assert sources(pattern_id="nobody") == []
    pattern = queries.chunks()[0].pattern_ids[0]
    assert sources(pattern_id=pattern) == ["db.log", "web.log"]


def test_patterns_carry_their_counts(log: SqliteEventLog, model: SqlReadModel) -> None:
    """Counted over all sources; the widened template is shown; words find it."""
    story = Story(log)
    for source in ("a", "b"):
        story.source(source)
        story.records(source, [(9, "write failed: 42")] * 3, pattern="write failed: <*>")
    story.pattern("write failed: <*>", wider="<*> failed: <*>")
    queries = HistoryQueries(feed(model, log))
    (pattern,) = queries.patterns(text="failed write")
    assert (pattern.template, pattern.count) == ("<*> failed: <*>", 6)
    assert (pattern.sources, pattern.first_seen) == (["a", "b"], START)
    assert queries.patterns(text="absent") == []


def test_words_find_incidents_and_patterns(queries: HistoryQueries) -> None:
    """Best first, with the words marked."""
    hits = queries.search_text("disk")
    assert hits[0].kind == "incident"
    assert "【disk】" in hits[0].snippet
    assert {hit.kind for hit in queries.search_text("write failed")} >= {"pattern", "evidence"}


def test_an_event_that_cannot_be_applied_is_parked_and_the_others_go_on(
    log: SqliteEventLog, model: SqlReadModel
) -> None:
    """Records of a source nobody registered are set aside with position and reason."""
    story, other = Story(log), Story(log)
    other.source("lost")
    log_without_registration = log.read(0, 10)[-1].position
    lost = other.records("lost", [(9, "hello")])
    incident = story.incident("web down")
    batch = log.read(log_without_registration, 100, model.topics)
    model.apply(batch)
    queries = HistoryQueries(model)
    (parked,) = queries.parked()
    assert (parked.position, parked.event) == (lost.position, "RecordsAppended")
    assert "never registered" in parked.reason
    assert queries.chunks() == []
    assert [row.id for row in queries.incidents().items] == [str(incident.id)]


def test_resolving_and_reopening_move_the_state(
    life: Life, log: SqliteEventLog, model: SqlReadModel
) -> None:
    """The row follows the incident's life."""
    incident = life[1]
    queries = HistoryQueries(model)
    incident.resolve("quiet", "nothing for an hour", CAUSE)
    log.append(incident)
    feed(model, log)
    assert queries.incidents().items[0].state == "resolved"
    incident.reopen("bob", "it is back", CAUSE)
    log.append(incident)
    feed(model, log)
    assert queries.incidents().items[0].state == "open"
