"""The documents say what the program does: commands, settings, events, rules, shown output."""

import difflib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from domain.knowledge.judging import judge
from domain.knowledge.rule import Rule, Technology
from infrastructure.knowledge_files import load_knowledge
from infrastructure.settings import Settings

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
SHOWN = [ROOT / "README.md", DOCS / "tutorial.md"]
"""Pages whose `console` blocks are run: each line that begins with `$ aiops `, in its order."""

_BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"!?\[[^\]\n]*\]\(([^)\s]+)\)")
_ANY_COMMAND = re.compile(r"(?:^|[\s`/])aiops ([a-z]+)(?=[\s`]|$)", re.MULTILINE)
_PLACE = re.compile(
    r"`((?:domain|application|infrastructure|projections|interfaces|tests)/[\w./-]*\w/?)(?:::(\w+))?`"
)
_VARYING = re.compile(
    r"\d\d:\d\d:\d\d(?:\.\d+)?|\d+\.\d+ s\b|[\d,]+ records/s|worker-\d+ *|[0-9a-f]{64}|\d{19}"
)
"""What differs from run to run: times, durations, rates, process ids, hashes, nanoseconds."""
_CUT = "…"


def _generator() -> Any:
    """docs/generate_reference.py, which is a script and in no package."""
    spec = importlib.util.spec_from_file_location(
        "generate_reference", DOCS / "generate_reference.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


generate_reference = _generator()


@dataclass
class Command:
    """A command as a page shows it, and the lines below it."""

    arguments: str
    output: list[str] = field(default_factory=list)


def pages() -> Iterator[Path]:
    yield from sorted(ROOT.glob("*.md"))
    yield from sorted(DOCS.rglob("*.md"))


def shown_commands(page: Path) -> Iterator[Command]:
    for block in _BLOCK.findall(page.read_text(encoding="utf-8")):
        command: Command | None = None
        for line in block.splitlines():
            if line.startswith("$ "):
                assert line.startswith("$ aiops "), f"{page.name}: a console block runs aiops only"
                command = Command(line.removeprefix("$ aiops "))
                yield command
            elif command is not None:
                command.output.append(line)


def same(text: str) -> str:
    return " ".join(_VARYING.sub("~", text).split())


@pytest.fixture(scope="module")
def reference() -> dict[str, str]:
    return generate_reference.pages()


def test_generated_pages_are_not_stale(reference: dict[str, str]) -> None:
    """`make docs` writes them; what lies there is what the code says now."""
    stale = [
        name
        for name, text in reference.items()
        if (DOCS / "reference" / name).read_text(encoding="utf-8") != text
    ]
    assert not stale, f"run `make docs` and commit: {', '.join(stale)}"


def test_every_command_and_option_is_in_the_reference(reference: dict[str, str]) -> None:
    """Nothing can be typed that the page does not know."""
    for name, command in generate_reference.commands().items():
        assert f"\n## aiops {name}\n" in reference["cli.md"]
        for parameter in command.params:
            assert all(option in reference["cli.md"] for option in parameter.opts if "-" in option)


def test_every_setting_is_in_the_reference(reference: dict[str, str]) -> None:
    """Nothing can be set that the page does not know."""
    text = reference["settings.md"]
    assert not [name for name in Settings.model_fields if f"`AIOPS_{name.upper()}`" not in text]


def test_every_event_is_in_the_reference(reference: dict[str, str]) -> None:
    """Nothing is recorded that the page does not know."""
    events = [e.__name__ for found in generate_reference.event_classes().values() for e in found]
    assert {"RecordsAppended", "IncidentOpened", "NotificationDelivered"} <= set(events)
    assert not [name for name in events if f"\n### {name}\n" not in reference["events.md"]]


def test_an_event_without_a_docstring_is_refused() -> None:
    """The generator does not write a page with a hole in it."""
    silent = type("SomethingHappened", (), {})
    with pytest.raises(generate_reference.Undocumented, match="SomethingHappened"):
        generate_reference._event(silent)


@pytest.mark.parametrize("schema", [Rule, Technology])
def test_every_field_of_a_rule_file_is_described(schema: type[Rule] | type[Technology]) -> None:
    """A person who writes rules finds every field in docs/reference/rules.md."""
    text = (DOCS / "reference" / "rules.md").read_text(encoding="utf-8")
    first_cells = " ".join(line.split("|")[1] for line in text.splitlines() if line.startswith("|"))
    assert not [name for name in schema.model_fields if f"`{name}`" not in first_cells]


def test_the_rule_file_of_the_guide_works(tmp_path: Path) -> None:
    """Who copies it gets a rule that is read, and that finds its own example."""
    text = (DOCS / "how-to" / "rules.md").read_text(encoding="utf-8")
    shown = re.search(r"^```yaml\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert shown is not None
    (tmp_path / "billing.yaml").write_text(shown[1], encoding="utf-8")
    knowledge = load_knowledge(tmp_path)
    assert not knowledge.problems
    rule = knowledge.rules["billing.tax-table-missing"]
    found = [accused.id for accused, _ in judge(rule.examples[0], knowledge).accusations]
    assert found == [rule.id]
    assert not judge(rule.near_misses[0], knowledge).accusations


@pytest.mark.parametrize("page", list(pages()), ids=lambda page: str(page.relative_to(ROOT)))
def test_no_link_is_broken(page: Path) -> None:
    """Every relative link leads to a file of the repository."""
    targets = [t.split("#")[0] for t in _LINK.findall(page.read_text(encoding="utf-8"))]
    local = [t for t in targets if t and "://" not in t and not t.startswith("mailto:")]
    assert not [t for t in local if not (page.parent / t).exists()]


def test_every_page_is_in_the_navigation() -> None:
    """mkdocs.yml names each page of docs/, and nothing that is not there."""
    named = set(re.findall(r"[\w/-]+\.md", (ROOT / "mkdocs.yml").read_text(encoding="utf-8")))
    assert named == {str(page.relative_to(DOCS)) for page in DOCS.rglob("*.md")}


@pytest.mark.parametrize("page", list(pages()), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_a_page_names_exists(page: Path) -> None:
    """No page sends the reader to a command the program does not have."""
    if page.name == "CHANGELOG.md":
        return
    named = set(_ANY_COMMAND.findall(_code_of(page.read_text(encoding="utf-8"))))
    assert named <= set(generate_reference.commands()), page


@pytest.mark.parametrize("page", list(pages()), ids=lambda page: str(page.relative_to(ROOT)))
def test_files_and_tests_a_page_names_exist(page: Path) -> None:
    """A claim in the threat model names a test that is really there, a decision its code."""
    for path, test in _PLACE.findall(page.read_text(encoding="utf-8")):
        assert (ROOT / path).exists(), path
        if test:
            assert f"def {test}(" in (ROOT / path).read_text(encoding="utf-8"), f"{path}::{test}"


def _code_of(text: str) -> str:
    """The fenced blocks and inline code of a page."""
    fenced = re.findall(r"^```.*?^```$", text, re.MULTILINE | re.DOTALL)
    return "\n".join([*fenced, *re.findall(r"`[^`\n]+`", text)])


@pytest.mark.parametrize("page", SHOWN, ids=lambda page: page.name)
def test_shown_commands_print_what_the_page_shows(page: Path, tmp_path: Path) -> None:
    """Each command of a page runs, in order, and every line shown below it is really printed.

    A line may end with `…` where it is cut; a line of `…` alone stands for lines left out.
    """
    shutil.copytree(DOCS / "examples", tmp_path / "docs" / "examples")
    commands = list(shown_commands(page))
    assert commands
    for command in commands:
        printed = run(command.arguments, tmp_path)
        for line in command.output:
            check(line, printed, command)


def run(arguments: str, directory: Path) -> list[str]:
    """The lines a command prints; it must succeed."""
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("AIOPS_")},
        "PYTHONPATH": str(ROOT),
        "XDG_DATA_HOME": str(directory / "share"),
        "NO_COLOR": "1",
    }
    program = f'"{sys.executable}" -c "from interfaces.cli.main import main; main()"'
    done = subprocess.run(
        f"{program} {arguments}",
        shell=True,
        cwd=directory,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"aiops {arguments}: {done.stderr}"
    return [same(line) for line in done.stdout.splitlines()]


def check(line: str, printed: list[str], command: Command) -> None:
    """That a shown line is among those printed."""
    if line.strip() in ("", _CUT):
        return
    shown = same(line)
    start = shown.removesuffix(f" {_CUT}")
    is_cut = start != shown
    nearest = difflib.get_close_matches(shown, printed, n=1, cutoff=0)
    assert any(p.startswith(start) if is_cut else p == shown for p in printed), (
        f"`aiops {command.arguments}` does not print\n  {line}\nbut, times left out,\n  {nearest}"
    )
