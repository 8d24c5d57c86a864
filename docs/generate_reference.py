"""Writes the reference pages from the code they describe. Run `make docs` after a change.

`pages()` gives the text of each page; tests/unit/test_docs.py fails where a file differs from it.
"""

import ast
import importlib
import inspect
import pkgutil
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

HERE = Path(__file__).parent
REFERENCE = HERE / "reference"
_GENERATED = "<!-- Written by docs/generate_reference.py from the code. Do not edit. -->\n\n"
_HTTP_METHODS = ("get", "post", "put", "patch", "delete")


class Undocumented(Exception):
    """Something a user can set, run or read has no description in the code."""


def pages() -> dict[str, str]:
    """File name under docs/reference to its text. Raises Undocumented."""
    writers: Mapping[str, Callable[[], str]] = {
        "cli.md": _cli,
        "settings.md": _settings,
        "events.md": _events,
        "api.md": _api,
        "formats.md": _formats,
    }
    return {name: _GENERATED + write().rstrip() + "\n" for name, write in writers.items()}


# -- commands ------------------------------------------------------------------------------------


def commands() -> dict[str, Any]:
    """The command line's commands by name."""
    import typer

    from interfaces.cli.main import app

    group: Any = typer.main.get_command(app)
    return dict(group.commands)


def _cli() -> str:
    head = (
        "# Commands\n\n"
        "Every command has `--help`. Data goes to standard output, messages to standard error.\n"
        "`--json` prints one JSON document and nothing else.\n\n"
        "Exit codes: 0 ok, 1 failed, 2 wrong usage, 130 stopped with Ctrl-C.\n"
    )
    return head + "".join(_command(name, command) for name, command in commands().items())


def _command(name: str, command: Any) -> str:
    if not command.help or not command.epilog:
        raise Undocumented(f"the command {name} needs a docstring and an example (epilog)")
    example = command.epilog.removeprefix("Example: ")
    usage = " ".join(
        p.metavar or p.name.upper() for p in command.params if p.param_type_name == "argument"
    )
    text = f"\n## aiops {name}\n\n{command.help}\n\n"
    text += f"    aiops {name} [OPTIONS] {usage}".rstrip() + f"\n\nExample: `{example}`\n"
    rows = [_parameter(name, parameter) for parameter in command.params]
    return text + _table(("argument or option", "meaning", "default"), rows)


def _parameter(command: str, parameter: Any) -> tuple[str, str, str]:
    is_option = parameter.param_type_name == "option"
    shown = ", ".join([*parameter.opts, *parameter.secondary_opts])
    shown = shown if is_option else parameter.metavar or parameter.name.upper()
    if not parameter.help:
        raise Undocumented(f"aiops {command}: {shown} needs a help text")
    default = parameter.default
    if parameter.required:
        told = "needed"
    elif isinstance(default, bool):
        told = "on" if default else "off"
    else:
        told = "" if default is None else f"`{default}`"
    return f"`{shown}`", parameter.help, told


# -- settings ------------------------------------------------------------------------------------


def _settings() -> str:
    from infrastructure.settings import Settings

    meaning = _attribute_docs(Settings)
    rows = []
    for name, field in Settings.model_fields.items():
        if name not in meaning:
            raise Undocumented(
                f"the setting {name} needs a docstring in infrastructure/settings.py"
            )
        rows.append((f"`AIOPS_{name.upper()}`", meaning[name], _default(name, field)))
    return (
        "# Settings\n\n"
        "A setting is taken from the first of these that has it: a command-line option, the\n"
        "environment (`AIOPS_...`), the file `.env`, the file `aiops.toml` (both in the directory\n"
        "where the command runs). In `aiops.toml` names are written in lower case without the\n"
        "prefix: `port = 8700`.\n\nA value that cannot be used is named, and nothing starts.\n"
        + _table(("variable", "meaning", "default"), rows)
        + "\n`AIOPS_DEBUG=1` in the environment shows the traceback of an unexpected error.\n"
    )


def _default(name: str, field: Any) -> str:
    if field.default_factory is not None:
        return "`$XDG_DATA_HOME/aiops`, else `~/.local/share/aiops`" if name == "data" else ""
    value = field.default
    value = value.get_secret_value() if hasattr(value, "get_secret_value") else value
    return f"`{value}`" if value != "" else "not set"


# -- events --------------------------------------------------------------------------------------


def event_classes() -> dict[ModuleType, list[type]]:
    """Every event of the domain, by the module that defines it, in the order of the source."""
    import domain
    from domain.provenance import Fact, FoundingFact

    found: dict[ModuleType, list[type]] = defaultdict(list)
    for info in sorted(pkgutil.walk_packages(domain.__path__, "domain."), key=lambda i: i.name):
        module = importlib.import_module(info.name)
        for value in vars(module).values():
            is_event = inspect.isclass(value) and issubclass(value, Fact)
            if is_event and value.__module__ == info.name and value not in (Fact, FoundingFact):
                found[module].append(value)
    return dict(found)


def _events() -> str:
    from domain.provenance import Fact

    text = (
        "# Events\n\n"
        "Everything that happened, in the words of the code. Each event also carries\n"
        "`originator_id` and `originator_version` (its stream and its place there), `timestamp`\n"
        "(UTC), and:\n"
    )
    envelope = [
        ("`actor`", "who acted: `collector`, `detector`, `agent:fix`, `person:ada`"),
        ("`correlation_id`", "names the whole story"),
        ("`causation_id`", "the event that led here; none where the outside world began it"),
    ]
    if [f"`{name}`" for name in inspect.get_annotations(Fact)] != [row[0] for row in envelope]:
        raise Undocumented("the envelope of domain.provenance.Fact has changed; say what it means")
    text += _table(("field", "meaning"), envelope)
    for module, classes in event_classes().items():
        text += f"\n## {module.__name__}\n\n{inspect.getdoc(module)}\n"
        text += "".join(_event(event) for event in classes)
    return text


def _event(event: type) -> str:
    told = inspect.cleandoc(event.__dict__.get("__doc__") or "")
    if not told or told.startswith(f"{event.__name__}("):
        raise Undocumented(f"the event {event.__name__} needs a docstring")
    meaning = _attribute_docs(event)
    rows = [
        (f"`{name}`", f"`{_type_name(kind)}`", meaning.get(name, ""))
        for name, kind in inspect.get_annotations(event).items()
    ]
    table = _table(("field", "type", ""), rows) if rows else "\nNo fields of its own.\n"
    return f"\n### {event.__name__}\n\n{told}\n{table}"


def _type_name(kind: Any) -> str:
    text = kind.__name__ if inspect.isclass(kind) and "[" not in str(kind) else str(kind)
    return text.replace("typing.", "")


# -- HTTP ----------------------------------------------------------------------------------------


def routes() -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Method, path and description of every operation of the HTTP interface."""
    from interfaces.api.app import create_app

    unused: Any = object()  # the description is made without asking the system anything
    for path, operations in create_app(unused).openapi()["paths"].items():
        for method in _HTTP_METHODS:
            if method in operations:
                yield method.upper(), path, operations[method]


def _api() -> str:
    from interfaces.api.app import create_app

    unused: Any = object()
    openapi = create_app(unused).openapi()
    schemas = openapi["components"]["schemas"]
    text = (
        "# HTTP interface\n\n"
        "`aiops up` serves it at `http://127.0.0.1:8600`. `/docs` there is the page to try it\n"
        "out, `/openapi.json` the full description with every answer's schema. There is no login:\n"
        "it listens on the loopback interface, and refuses other Host names and foreign pages.\n\n"
        f"{openapi['info']['description']}"
    )
    for method, path, operation in routes():
        if not operation.get("summary"):
            raise Undocumented(f"{method} {path} needs a summary")
        text += f"\n## {method} {path}\n\n{operation['summary']}.\n"
        if told := operation.get("description", ""):
            text += f"\n{told}\n"
        rows = [
            (f"`{p['name']}`", p["in"], p.get("description", ""), _form(p["schema"], schemas))
            for p in operation.get("parameters", [])
        ]
        if rows:
            text += _table(("parameter", "in", "meaning", "form"), rows)
        text += "\nAnswers: " + ", ".join(sorted(operation["responses"])) + ".\n"
    return text


def _form(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> str:
    """What a parameter may be, in words."""
    told = []
    for form in schema.get("anyOf", [schema]):
        meant = schemas[form["$ref"].rsplit("/", 1)[-1]] if "$ref" in form else form
        if meant.get("type") != "null":
            told.append(", ".join(meant["enum"]) if "enum" in meant else str(meant["type"]))
    default = schema.get("default")
    return " or ".join(told) + ("" if default is None else f"; default `{default}`")


# -- formats -------------------------------------------------------------------------------------


def _formats() -> str:
    from infrastructure.format_files import load_formats

    rows = [
        (f"`{item.name}`", item.technology or "", f"`{_sample(item.samples[0].line)}`")
        for item in load_formats().formats
    ]
    return (
        "# Log formats\n\n"
        "Formats are data: `domain/logs/formats/*.yaml`. They are tried from top to bottom; a\n"
        "source keeps to the format that fits. A line that no format knows is recorded as text.\n"
        "Every format's samples are its tests (`tests/unit/logs/test_formats.py`).\n"
        "CONTRIBUTING.md says how to add one.\n"
        + _table(("format", "technology", "a line of it"), rows)
    )


def _sample(line: str) -> str:
    first = line.split("\n", 1)[0].replace("`", "'").replace("|", "\\|")
    return first if len(first) <= 110 else first[:109] + "…"


# -- text ----------------------------------------------------------------------------------------


def _attribute_docs(owner: type) -> dict[str, str]:
    """The string below each annotated attribute of a class."""
    tree = ast.parse(inspect.cleandoc("\n" + inspect.getsource(owner)))
    body = tree.body[0]
    assert isinstance(body, ast.ClassDef)
    docs: dict[str, str] = {}
    for attribute, below in zip(body.body, body.body[1:], strict=False):
        if (
            isinstance(attribute, ast.AnnAssign)
            and isinstance(attribute.target, ast.Name)
            and isinstance(below, ast.Expr)
            and isinstance(below.value, ast.Constant)
        ):
            docs[attribute.target.id] = _one_line(str(below.value.value))
    return docs


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n" + "".join(f"| {' | '.join(_one_line(cell) for cell in row)} |\n" for row in lines)


def main() -> None:
    """Write every page."""
    REFERENCE.mkdir(exist_ok=True)
    for name, text in pages().items():
        (REFERENCE / name).write_text(text, encoding="utf-8")
        sys.stdout.write(f"docs/reference/{name}\n")


if __name__ == "__main__":
    main()
