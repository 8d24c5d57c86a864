"""Many log files at once: found by glob, read to the end, or followed while they grow."""

import re
import threading
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path

from application.collecting import Collection
from application.intake import Intake, Origin
from domain.logs.formats import FormatCatalogue
from domain.logs.parser import SourceParser
from domain.logs.service_names import service_of_file
from domain.logs.source import Checkpoint
from infrastructure.collectors.files import FileTail, InputProblem, expand

_WAKE_MS = 250
"""Files are looked at at least this often, also where change events do not arrive (NFS)."""
_ROUNDS_PER_SEARCH = 8
"""Rounds after which globs are searched for new files again."""

KnownSource = Callable[[str], tuple[str, Checkpoint]]
"""Location and checkpoint of a source by its name; empty where it is unknown."""


_ROTATED = re.compile(r"(.+?)[.-](?:\d[\dT._-]*|old|bak)(?:\.gz)?")
"""`app.log.1`, `app.log-20260304.gz`: what logrotate and its like make of `app.log`."""


def _is_left_by_rotation(path: Path, followed: AbstractSet[Path]) -> bool:
    match = _ROTATED.fullmatch(path.name)
    return match is not None and path.with_name(match[1]) in followed


class LogFiles:
    """The files that some globs and paths mean, each one a source named after its file."""

    def __init__(
        self,
        patterns: Sequence[str],
        intake: Intake,
        formats: FormatCatalogue,
        known: KnownSource,
        *,
        start_at_end: bool = False,
    ) -> None:
        self._patterns = list(patterns)
        self._intake = intake
        self._formats = formats
        self._known = known
        self._start_at_end = start_at_end
        self._collections: dict[Path, Collection] = {}
        self._names: dict[str, Path] = {}
        self._told: set[str] = set()
        self.problems: list[InputProblem] = []
        """Input that cannot be read, each told once."""

    @property
    def collections(self) -> list[Collection]:
        """One for each file found so far."""
        return list(self._collections.values())

    def search(self) -> list[InputProblem]:
        """Find the files the patterns mean now; returns what is newly wrong with them."""
        paths, problems = expand(self._patterns)
        before = set(self._collections)
        for path in paths:
            # What a rotation leaves behind was read, or is finished, under the name it had.
            if path not in self._collections and not _is_left_by_rotation(path, before):
                self._collections[path] = self._open(path)
        fresh = [problem for problem in problems if str(problem) not in self._told]
        self._told.update(str(problem) for problem in fresh)
        self.problems += fresh
        return fresh

    def read_to_end(self, on_progress: Callable[[Collection], None] | None = None) -> None:
        """Read every file as far as it goes and hand in everything.

        A file that is empty, or cannot be read to its end, becomes a problem.
        """
        for path, collection in self._collections.items():
            while collection.step():
                if on_progress is not None:
                    on_progress(collection)
            collection.finish()
            problem = self._problem_of(path, collection)
            if problem is not None:
                self.problems.append(problem)

    def _problem_of(self, path: Path, collection: Collection) -> InputProblem | None:
        if collection.failure:
            return InputProblem(str(path), collection.failure, "read up to there; check the file")
        if not collection.lines and not self._known(collection.origin.source)[1]:
            return InputProblem(
                str(path), "is empty, nothing was read", "check that the program logs to it"
            )
        return None

    def follow(self, stop: threading.Event) -> None:
        """Read what the files gain until `stop` is set; new files that match join."""
        rounds = 0
        while not stop.is_set():
            busy = False
            for collection in self.collections:
                busy = collection.step() or busy
            rounds += 1
            if rounds % _ROUNDS_PER_SEARCH == 0:
                self.search()
            if not busy:
                self._wait(stop)
        for collection in self.collections:
            collection.finish()

    def _open(self, path: Path) -> Collection:
        name = self._name(path)
        _, checkpoint = self._known(name)
        service = service_of_file(path.name)
        return Collection(
            Origin(name, "file", str(path), service or ""),
            FileTail(path, checkpoint or None, start_at_end=self._start_at_end),
            SourceParser(name, self._formats, service=service),
            self._intake,
        )

    def _name(self, path: Path) -> str:
        """The file's name; with its folders before it where another file has that name."""
        parts = path.parts
        for length in range(1, len(parts) + 1):
            name = "/".join(part.strip("/") for part in parts[-length:]).replace("#", "_")
            location, _ = self._known(name)
            taken = self._names.get(name, path) != path or (location and location != str(path))
            if not taken:
                self._names[name] = path
                return name
        return str(path)

    def _wait(self, stop: threading.Event) -> None:
        """Until a file changes, or for a moment."""
        from watchfiles import watch

        folders = {str(path.parent) for path in self._collections if path.parent.is_dir()}
        if not folders:
            stop.wait(_WAKE_MS / 1_000)
            return
        changes = watch(
            *sorted(folders),
            stop_event=stop,
            rust_timeout=_WAKE_MS,
            yield_on_timeout=True,
            debounce=50,
            step=20,
            recursive=False,
            raise_interrupt=False,
        )
        next(iter(changes), None)
