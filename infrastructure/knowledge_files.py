"""Reads the failure rules: the packaged catalogue and a user's own files."""

import hashlib
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import orjson
import re2
import yaml
from pydantic import ValidationError

from domain.knowledge.knowledge_base import KnowledgeBase
from domain.knowledge.rule import Technology
from infrastructure.rule_matching import Re2Matcher, compiled


class RuleFileUnusable(Exception):
    """A rule file cannot be read; the text says which, where in it, and what to do."""


@dataclass(frozen=True)
class _RuleFile:
    name: str
    content: bytes


def load_knowledge(extra: Path | None = None) -> KnowledgeBase:
    """The packaged catalogue, and the `*.yaml` files in the folder `extra` if there is one.

    A file of the user that cannot be used is left out and named in `problems`. A user's file with
    the id of a packaged technology adds to that technology.

    Raises RuleFileUnusable when the packaged catalogue itself is broken.
    """
    packaged = list(_packaged())
    own, problems = _own(extra)
    technologies = {t.id: t for t in map(_technology, _parsed_once(packaged), packaged)}
    for file in own:
        try:
            technology = _checked(_technology(_parse(file), file), file, technologies)
        except RuleFileUnusable as problem:
            problems.append(str(problem))
            continue
        technologies[technology.id] = _joined(technologies.get(technology.id), technology)
    return _knowledge(technologies, _version([*packaged, *own]), tuple(problems))


def read_rule_file(path: Path) -> Technology:
    """One rule file, checked against the schema and RE2.

    Raises RuleFileUnusable naming the file, the place and the fault.
    """
    try:
        file = _RuleFile(str(path), path.read_bytes())
    except OSError as error:
        raise RuleFileUnusable(f"{path}: cannot be read: {error.strerror}") from error
    return _checked(_technology(_parse(file), file), file, {})


def _knowledge(
    technologies: dict[str, Technology], version: str, problems: tuple[str, ...]
) -> KnowledgeBase:
    return KnowledgeBase(
        technologies=technologies,
        matcher=Re2Matcher(technologies.values()),
        version=version,
        rules={rule.id: rule for t in technologies.values() for rule in t.rules},
        technology_of_rule={rule.id: t for t in technologies.values() for rule in t.rules},
        problems=problems,
    )


def _packaged() -> Iterator[_RuleFile]:
    folder = resources.files("domain.knowledge") / "catalogue"
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.name.endswith(".yaml"):
            yield _RuleFile(entry.name, entry.read_bytes())


def _own(folder: Path | None) -> tuple[list[_RuleFile], list[str]]:
    if folder is None or not folder.is_dir():
        return [], []
    files: list[_RuleFile] = []
    problems: list[str] = []
    for path in sorted([*folder.glob("*.yaml"), *folder.glob("*.yml")]):
        try:
            files.append(_RuleFile(str(path), path.read_bytes()))
        except OSError as error:
            problems.append(f"{path}: cannot be read: {error.strerror}; check its permissions")
    return files, problems


def _version(files: Iterable[_RuleFile]) -> str:
    digest = hashlib.sha256()
    for content in sorted(file.content for file in files):
        digest.update(len(content).to_bytes(8, "big"))
        digest.update(content)
    return digest.hexdigest()[:12]


def _parse(file: _RuleFile) -> Any:
    try:
        # A safe loader: CSafeLoader builds plain data only, ten times as fast as SafeLoader.
        return yaml.load(file.content, Loader=yaml.CSafeLoader)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        place = " ".join(str(error).split())
        raise RuleFileUnusable(f"{file.name}: not valid YAML: {place}") from error


def _technology(parsed: Any, file: _RuleFile) -> Technology:
    try:
        return Technology.model_validate(parsed)
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(map(str, fault['loc'])) or 'top level'}: {fault['msg']}"
            for fault in error.errors()[:5]
        )
        raise RuleFileUnusable(
            f"{file.name}: does not follow the rule schema (docs/reference/rules.md): {faults}"
        ) from error


def _checked(technology: Technology, file: _RuleFile, known: dict[str, Technology]) -> Technology:
    """The technology, if its expressions compile and its rule ids are its own."""
    taken = {rule.id for other in known.values() for rule in other.rules}
    for rule in technology.rules:
        if rule.id in taken:
            raise RuleFileUnusable(
                f"{file.name}: rule id '{rule.id}' is taken already; give it another id"
            )
        taken.add(rule.id)
    for place, expression in _expressions(technology):
        try:
            compiled(expression)
        except re2.error as error:
            reason = error.args[0] if error.args else "unknown reason"
            reason = reason.decode() if isinstance(reason, bytes) else reason
            raise RuleFileUnusable(
                f"{file.name}: {place}: not an RE2 expression: {expression!r}: {reason}"
            ) from error
    return technology


def _expressions(technology: Technology) -> Iterator[tuple[str, str]]:
    yield from (("mentions", expression) for expression in technology.mentions)
    yield from (("signatures", expression) for expression in technology.signatures)
    for rule in technology.rules:
        yield from ((f"rule {rule.id}", expression) for expression in [*rule.match, *rule.unless])


def _joined(packaged: Technology | None, own: Technology) -> Technology:
    if packaged is None:
        return own
    return packaged.model_copy(
        update={
            "names": [*packaged.names, *own.names],
            "ports": [*packaged.ports, *own.ports],
            "mentions": [*packaged.mentions, *own.mentions],
            "signatures": [*packaged.signatures, *own.signatures],
            "rules": [*packaged.rules, *own.rules],
        }
    )


def _parsed_once(files: list[_RuleFile]) -> list[Any]:
    """The parsed files, from a JSON copy in the user's cache folder while they are unchanged.

    YAML costs some hundred milliseconds, the JSON copy a few: `aiops diagnose` starts in well
    under a second. Without a writable cache folder everything works, only slower.
    """
    cache = _cache_folder() / f"rules-{_version(files)}.json"
    try:
        stored = orjson.loads(cache.read_bytes())
        if isinstance(stored, list) and len(stored) == len(files):
            return stored
    except (OSError, orjson.JSONDecodeError):
        pass
    parsed = [_parse(file) for file in files]
    _store(cache, orjson.dumps(parsed))
    return parsed


def _cache_folder() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "aiops"


def _store(cache: Path, content: bytes) -> None:
    unfinished = cache.with_name(f"{cache.name}.{os.getpid()}")
    try:
        cache.parent.mkdir(parents=True, exist_ok=True)
        unfinished.write_bytes(content)
        unfinished.replace(cache)
        for former in cache.parent.glob("rules-*.json"):
            if former != cache:
                former.unlink(missing_ok=True)
    except OSError:
        with suppress(OSError):
            unfinished.unlink()
