"""Every packaged rule is complete, matches what it shows and nothing it warns of."""

import re

import pytest
import re2

from domain.knowledge.filling import capture_names
from domain.knowledge.knowledge_base import KnowledgeBase
from domain.knowledge.rule import Culprit, Role, Rule
from infrastructure.knowledge_files import load_knowledge
from infrastructure.rule_matching import compiled
from tests.unit.knowledge.healthy_lines import HEALTHY_LINES

RULES = list(load_knowledge().rules.values())
SLOT = re.compile(r"\{([a-z][a-z_]{1,30})\}")
DESTRUCTIVE = re.compile(
    r"\brm -|DROP (?:TABLE|DATABASE)|TRUNCATE|PURGE BINARY|pg_terminate_backend|--force\b|\bKILL\b"
    r"|xfs_repair|mkfs|FLUSHALL|\bpurge a queue"
)


def texts_of(rule: Rule) -> list[str]:
    lists = (rule.mitigation, rule.steps, rule.verify, rule.rollback)
    patches = [text for patch in rule.patches for text in (patch.path, patch.diff)]
    return [rule.root_cause, rule.explanation, *(t for texts in lists for t in texts), *patches]


def matched(knowledge: KnowledgeBase, text: str) -> list[Rule]:
    return [knowledge.rules[match.rule_id] for match in knowledge.matcher.match(text)]


def accused_by(knowledge: KnowledgeBase, text: str) -> list[Rule]:
    """Causes a record is left with: a noise rule silences every cause that is not more specific."""
    rules = matched(knowledge, text)
    noise = max((rule.specificity for rule in rules if rule.role is Role.NOISE), default=0)
    return [rule for rule in rules if rule.role is Role.CAUSE and rule.specificity > noise]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_rule_matches_its_own_examples(rule: Rule, knowledge: KnowledgeBase) -> None:
    """What a rule shows as its record is found by it."""
    missed = [text for text in rule.examples if rule not in matched(knowledge, text)]

    assert missed == []


@pytest.mark.parametrize(
    "rule", [rule for rule in RULES if rule.near_misses], ids=lambda rule: rule.id
)
def test_a_rule_leaves_its_near_misses_alone(rule: Rule, knowledge: KnowledgeBase) -> None:
    """What only looks alike is not found."""
    found = [text for text in rule.near_misses if rule in matched(knowledge, text)]

    assert found == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_every_expression_of_a_rule_compiles_in_re2(rule: Rule) -> None:
    """No expression needs more than linear time."""
    for expression in [*rule.match, *rule.unless]:
        assert isinstance(compiled(expression), re2._Regexp)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_what_the_root_cause_names_was_captured(rule: Rule, knowledge: KnowledgeBase) -> None:
    """Whichever example is found, the sentence of the root cause can be filled in."""
    named = set(SLOT.findall(rule.root_cause))
    for text in rule.examples:
        found = {match.rule_id: match.captures for match in knowledge.matcher.match(text)}
        assert named <= set(found[rule.id]), text


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_text_names_only_what_the_rule_can_capture(rule: Rule) -> None:
    """A slot that no expression fills would be shown to the reader as it is."""
    named = {name for text in texts_of(rule) for name in SLOT.findall(text)}

    assert named <= capture_names(rule.match)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_root_cause_slot_is_in_every_expression(rule: Rule) -> None:
    """Any one of the expressions may be the one that is found."""
    for name in SLOT.findall(rule.root_cause):
        assert all(name in capture_names([expression]) for expression in rule.match), name


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_command_that_destroys_warns_of_it(rule: Rule) -> None:
    """Nobody should lose data by following an advice at 3 a.m."""
    for text in [*rule.mitigation, *rule.steps]:
        if DESTRUCTIVE.search(text):
            assert "warning" in text.lower(), text


def test_rule_ids_are_unique(knowledge: KnowledgeBase) -> None:
    """An id names one rule: it is recorded with every diagnosis."""
    ids = [rule.id for technology in knowledge.technologies.values() for rule in technology.rules]

    assert len(ids) == len(set(ids))


def test_no_expression_matches_an_empty_text(knowledge: KnowledgeBase) -> None:
    """An expression that needs nothing would match every record."""
    assert knowledge.matcher.match("") == []
    assert knowledge.matcher.match(" ") == []


def test_the_catalogue_is_broad(knowledge: KnowledgeBase) -> None:
    """Faults nobody here has seen are only recognised by breadth."""
    special = [t for t in knowledge.technologies.values() if not t.general]

    assert len(RULES) >= 150
    assert len(special) >= 30


def test_only_from_names_technologies_that_exist(knowledge: KnowledgeBase) -> None:
    """A misspelt technology would silence its rule."""
    named = {technology for rule in RULES for technology in rule.only_from}

    assert named <= set(knowledge.technologies)


@pytest.mark.parametrize(
    "text",
    [text for rule in RULES if rule.role in (Role.NOISE, Role.CHANGE) for text in rule.examples],
)
def test_what_is_no_failure_accuses_nobody(text: str, knowledge: KnowledgeBase) -> None:
    """Noise and changes name no cause, or noise of at least the same specificity silences it."""
    assert [rule.id for rule in accused_by(knowledge, text)] == []


@pytest.mark.parametrize("line", HEALTHY_LINES)
def test_an_ordinary_line_accuses_nobody(line: str, knowledge: KnowledgeBase) -> None:
    """A working system's log names no cause."""
    assert [rule.id for rule in accused_by(knowledge, line)] == []


@pytest.mark.parametrize(
    ("text", "rule_id"),
    [
        ("redis.exceptions.OutOfMemoryError: command not allowed when used memory > 'maxmemory'.",
         "redis.maxmemory"),
        ("connection to server failed: FATAL:  sorry, too many clients already",
         "postgresql.too-many-connections"),
        ("Error: ENOSPC: System limit for number of file watchers reached, watch '/app'",
         "res.inotify-limit"),
        ("java.lang.OutOfMemoryError: unable to create native thread: possibly out of memory",
         "res.thread-limit"),
        ("ERROR 1213 (40001): Deadlock found when trying to get lock; try restarting transaction",
         "mysql.deadlock"),
    ],
)  # fmt: skip
def test_the_most_specific_rule_is_the_one_that_knows_the_technology(
    text: str, rule_id: str, knowledge: KnowledgeBase
) -> None:
    """A technology's own rule outranks the general one for the same words."""
    assert max(matched(knowledge, text), key=lambda rule: rule.specificity).id == rule_id


def test_a_password_failure_accuses_the_client_in_the_log_of_the_server_only(
    knowledge: KnowledgeBase,
) -> None:
    """The same fault is the writer's own when the client tells of it."""
    refused = 'FATAL:  password authentication failed for user "orders"'
    by_client = f"psycopg.OperationalError: connection failed: {refused}"

    assert {r.culprit for r in matched(knowledge, refused)} == {Culprit.CLIENT}
    assert Culprit.SELF in {r.culprit for r in matched(knowledge, by_client)}
