"""Rules are read from the package and from a user's folder; a broken file harms only itself."""

from pathlib import Path

import pytest

from infrastructure.knowledge_files import RuleFileUnusable, load_knowledge, read_rule_file

OWN = """
id: acme
title: The ACME billing engine
names: [acme]
rules:
- id: acme.ledger-stuck
  title: The ledger is stuck
  error_class: lock_contention
  match: ['ledger (?P<object>\\w+) is stuck']
  root_cause: "Ledger {object} is stuck."
  explanation: "Its lock file is left over."
  mitigation: ["Restart the ledger."]
  steps: ["Look for the lock file."]
  verify: ["It answers."]
  examples: ['ledger north is stuck']
  source: "ACME handbook"
"""


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder))
    return folder / "aiops"


@pytest.fixture
def own(tmp_path: Path) -> Path:
    folder = tmp_path / "rules"
    folder.mkdir()
    return folder


def test_a_users_rule_is_found_beside_the_packaged_ones(own: Path) -> None:
    """A new technology is a new file and no new code."""
    (own / "acme.yaml").write_text(OWN)

    knowledge = load_knowledge(own)

    found = knowledge.matcher.match("10:00 ledger north is stuck")
    assert [(m.rule_id, m.captures) for m in found] == [("acme.ledger-stuck", {"object": "north"})]
    assert knowledge.technology_of_rule["acme.ledger-stuck"].id == "acme"
    assert knowledge.problems == ()


def test_a_users_file_adds_to_a_packaged_technology(own: Path) -> None:
    """Knowing one more thing about Redis does not hide the rest."""
    (own / "redis.yaml").write_text(OWN.replace("id: acme\n", "id: redis\n", 1))

    redis = load_knowledge(own).technologies["redis"]

    assert {"acme.ledger-stuck", "redis.maxmemory"} <= {rule.id for rule in redis.rules}
    assert redis.title != "The ACME billing engine"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("id: [", "not valid YAML"),
        ("just text", "does not follow the rule schema"),
        (OWN.replace("source:", "sauce:"), "rules.0.sauce"),
        (OWN.replace('verify: ["It answers."]', "verify: []"), "a cause needs 'verify'"),
        (OWN.replace("(?P<object>", "(?P<object>(?=a)"), "not an RE2 expression"),
        (OWN.replace("acme.ledger-stuck", "redis.maxmemory"), "taken already"),
    ],
)
def test_a_broken_file_of_the_user_is_named_and_left_out(
    content: str, says: str, own: Path
) -> None:
    """The good file beside it still counts."""
    (own / "broken.yaml").write_text(content)
    (own / "good.yaml").write_text(OWN.replace("acme", "good"))

    knowledge = load_knowledge(own)

    assert len(knowledge.problems) == 1
    assert "broken.yaml" in knowledge.problems[0]
    assert says in knowledge.problems[0]
    assert "good.ledger-stuck" in knowledge.rules


def test_a_folder_that_is_not_there_changes_nothing(tmp_path: Path) -> None:
    """Own rules are optional."""
    assert load_knowledge(tmp_path / "nowhere").version == load_knowledge().version


def test_the_version_follows_the_content(own: Path) -> None:
    """A diagnosis can be traced to the rules it was made with."""
    without = load_knowledge(own).version
    (own / "acme.yaml").write_text(OWN)
    with_own = load_knowledge(own).version
    (own / "acme.yaml").write_text(OWN.replace("north", "south"))

    assert len(without) == 12
    assert len({without, with_own, load_knowledge(own).version}) == 3


def test_the_second_load_comes_from_the_cache_and_says_the_same(cache: Path) -> None:
    """The parsed copy may only save time."""
    first = load_knowledge()
    stored = list(cache.glob("rules-*.json"))
    second = load_knowledge()

    assert len(stored) == 1
    assert first.rules == second.rules


@pytest.mark.parametrize("content", [b"", b"{}", b"[1]", b"\xff\xfe"])
def test_a_damaged_cache_is_not_believed(content: bytes, cache: Path) -> None:
    """Half a file left by a crash must not take the rules away."""
    whole = load_knowledge()
    (stored,) = cache.glob("rules-*.json")
    stored.write_bytes(content)

    assert load_knowledge().rules == whole.rules


def test_without_a_cache_folder_the_rules_are_read_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A read-only home is no reason to fail."""
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))

    assert len(load_knowledge().rules) >= 150


def test_one_file_is_checked_alone(own: Path) -> None:
    """`aiops rules test FILE` says what is wrong with it."""
    path = own / "acme.yaml"
    path.write_text(OWN)
    assert read_rule_file(path).rules[0].id == "acme.ledger-stuck"

    with pytest.raises(RuleFileUnusable, match=r"missing\.yaml: cannot be read"):
        read_rule_file(own / "missing.yaml")
