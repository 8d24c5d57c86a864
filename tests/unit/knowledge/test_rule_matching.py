"""Rules are found in any text, with spans that point at the very words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.knowledge.knowledge_base import KnowledgeBase
from domain.knowledge.rule import Role, Rule, Technology
from infrastructure.knowledge_files import load_knowledge
from infrastructure.rule_matching import LONGEST_TEXT, ExpressionSet, Re2Matcher

KNOWLEDGE = load_knowledge()


def matcher_of(*match: str, unless: list[str] | None = None) -> Re2Matcher:
    rule = Rule(
        id="a.rule", title="t", role=Role.SYMPTOM, match=list(match), unless=unless or [],
        examples=["x"],
    )  # fmt: skip
    return Re2Matcher([Technology(id="a", title="A", rules=[rule])])


def test_a_span_counts_characters_and_not_bytes() -> None:
    """Names and messages are not always English."""
    text = "größter Ärger 🔥: disk full, schöne Grüße"

    (match,) = matcher_of("disk (?P<object>full)").match(text)

    assert text[match.start : match.end] == "disk full"
    assert match.captures == {"object": "full"}


@given(before=st.text(max_size=60), after=st.text(max_size=60))
def test_a_span_is_right_whatever_stands_around(before: str, after: str) -> None:
    """Also between surrogates, combining characters and control characters."""
    text = f"{before}NEEDLE-7{after}"

    (match,) = matcher_of("(?-i)NEEDLE-(?P<limit>7)").match(text)

    assert text[match.start : match.end] == "NEEDLE-7"


@given(st.text(max_size=400))
def test_the_packaged_rules_take_any_text(text: str) -> None:
    """Logs are hostile input."""
    for match in KNOWLEDGE.matcher.match(text):
        assert 0 <= match.start < match.end <= len(text)


def test_both_ends_of_a_long_text_are_read() -> None:
    """A stack trace says what happened at its beginning and why at its end."""
    filler = "ä" * LONGEST_TEXT

    at_the_end = matcher_of("innermost").match(f"{filler}innermost")
    in_the_middle = matcher_of("innermost").match(f"{filler}innermost{filler}")

    assert [(m.start, m.end) for m in at_the_end] == [(LONGEST_TEXT, LONGEST_TEXT + 9)]
    assert in_the_middle == []


def test_letters_count_alike_unless_the_rule_wants_otherwise() -> None:
    """Case carries meaning in a few names only."""
    assert matcher_of("Disk Full").match("DISK FULL")
    assert not matcher_of("(?-i)Disk Full").match("DISK FULL")


def test_the_first_expression_of_a_rule_that_is_found_tells_the_captures() -> None:
    """The author puts the one that captures most first."""
    matcher = matcher_of(r"refused by (?P<host>\w+)", "refused")

    assert matcher.match("refused by db1")[0].captures == {"host": "db1"}
    assert matcher.match("refused")[0].captures == {}


def test_unless_takes_a_match_back() -> None:
    """A retry that succeeded is no failure."""
    matcher = matcher_of("timed out", unless=["on retry"])

    assert matcher.match("timed out")
    assert not matcher.match("timed out, answered on retry")


def test_where_the_automaton_gives_up_each_expression_is_tried(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """RE2 answers nothing instead of failing when its memory is too small."""
    expressions = ExpressionSet(["name7[a-z]{3}x", "name8", "absent"])
    monkeypatch.setattr(expressions, "_set", _SetOutOfMemory())

    assert expressions.found_in("here are name8 and name7abcx") == [0, 1]


class _SetOutOfMemory:
    """What re2.Set.Match does when a single state does not fit into its memory."""

    def Match(self, text: str) -> None:  # noqa: N802 - the name RE2 gave it
        return None


def test_counts_in_an_expression_are_kept() -> None:
    """The pass over all expressions is coarser than the expressions: it must not decide."""
    matcher = matcher_of("id=[0-9]{2,3};")

    assert matcher.match("id=123;")
    assert not matcher.match("id=1;")
    assert not matcher.match("id=1234;")


@pytest.mark.parametrize(
    ("service", "technology"),
    [
        ("postgres", "postgresql"),
        ("postgres-main", "postgresql"),
        ("nginx-edge", "nginx"),
        ("log-redis01", "redis"),
        ("php-fpm", "php"),
        ("prod/php-fpm.1", "php"),
        ("Kafka_2", "kafka"),
        ("kafka-consumer", None),
        ("redis-exporter", None),
        ("orders", None),
    ],
)
def test_a_services_name_tells_its_technology(
    service: str, technology: str | None, knowledge: KnowledgeBase
) -> None:
    """Parts between separators count; what only talks to a technology is not it."""
    assert knowledge.matcher.technology_of(service, []) == technology


@pytest.mark.parametrize(
    ("sample", "technology"),
    [
        ("2026-01-01 10:00:00.000 UTC [7] LOG:  checkpoint starting: time", "postgresql"),
        ("1:M 01 Jan 2026 10:00:00.000 * Ready to accept connections", "redis"),
        ("[7] 2026/01/01 10:00:00.000000 [INF] Starting nats-server", "nats"),
        ("2026/01/01 10:00:00 [error] 12#12: *7 open() failed", "nginx"),
        ('Traceback (most recent call last):\n  File "/app/a.py", line 3, in f', "python"),
        ("order 7 placed", None),
    ],
)
def test_a_services_own_words_tell_its_technology(
    sample: str, technology: str | None, knowledge: KnowledgeBase
) -> None:
    """Where the name says nothing, the form of its records does."""
    assert knowledge.matcher.technology_of("app", [sample]) == technology


def test_a_text_tells_which_technologies_it_speaks_of(knowledge: KnowledgeBase) -> None:
    """Driver names and well-known ports are the hints."""
    text = "psycopg.OperationalError: connection to server at 10.0.0.5, port 5432 failed"

    assert knowledge.matcher.technologies_mentioned(text) == ["postgresql"]
