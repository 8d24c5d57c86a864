"""Many log files at once: found by glob, read to the end, or followed while they grow."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from application.collecting import Collection
from application.intake import Intake, Origin
from domain.logs.cleaning import clean_name
from domain.logs.formats import FormatCatalogue
from domain.logs.parser import SourceParser
from domain.logs.service_names import service_of_file
from domain.logs.source import Checkpoint
from infrastructure.collectors.files import InputProblem, expand
from infrastructure.collectors.generations import (
    Found,
    Identity,
    live_name,
    look,
    read_before,
    read_last,
)
from infrastructure.collectors.tail import QUIET, FileTail

_WAKE_MS = 250
"""Files are looked at at least this often, also where change events do not arrive (NFS)."""
_ROUNDS_PER_SEARCH = 8
"""Rounds after which globs are searched for new files again."""
_LONGEST_PAUSE = 60.0
"""Seconds between two attempts at a file whose collection broke."""

KnownSource = Callable[[str], tuple[str, Checkpoint]]
"""Location and checkpoint of a source by its name; empty where it is unknown."""
KnownSources = Callable[[], Mapping[str, tuple[str, Checkpoint]]]
"""The same of every source there is, by name."""
Tell = Callable[[str], None]


@dataclass(slots=True)
class _Broken:
    """A file whose collection ended by an error in the program itself."""

    reason: str
    again_at: float
    pause: float


class LogFiles:
    """The files that some globs and paths mean, each one a source named after its file."""

    def __init__(
        self,
        patterns: Sequence[str],
        intake: Intake,
        formats: FormatCatalogue,
        known: KnownSource,
        sources: KnownSources,
        *,
        start_at_end: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._patterns = list(patterns)
        self._intake = intake
        self._formats = formats
        self._known = known
        self._sources = dict(sources())
        self._start_at_end = start_at_end
        self._clock = clock
        self._quiet = 0.0
        self._collections: dict[Path, Collection] = {}
        self._tails: dict[str, FileTail] = {}
        self._names: dict[str, Path] = {}
        self._passed_over: dict[Path, tuple[int, int]] = {}
        self._broken: dict[Path, _Broken] = {}
        self._searched = False
        self._told: set[str] = set()
        self._tell: Tell = lambda _: None
        self.problems: list[InputProblem] = []
        """Input that cannot be read, each told once."""

    @property
    def collections(self) -> list[Collection]:
        """One for each file found so far."""
        return list(self._collections.values())

    @property
    def trouble(self) -> str:
        """Why some files are not collected now although they can be read; empty where all are."""
        return "; ".join(broken.reason for broken in list(self._broken.values()))

    def search(self) -> list[InputProblem]:
        """Find the files the patterns mean now; returns what is newly wrong with them."""
        paths, problems = expand(self._patterns)
        asked = set(paths)
        # a log before what rotation made of it: then it is known whose the others are
        for path in sorted(paths, key=lambda path: _live(path) != path and _live(path) in asked):
            if path not in self._collections:
                problems += self._join(path)
        self._searched = True
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
            self.problems += self._problems_of(path, collection)

    def _problems_of(self, path: Path, collection: Collection) -> list[InputProblem]:
        name = str(path)
        lost = [InputProblem(name, text, "read more often than it is rotated away")
                for text in collection.lost]  # fmt: skip
        if collection.failure:
            return [
                *lost,
                InputProblem(name, collection.failure, "read up to there; check the file"),
            ]
        if not collection.lines and not self._known(collection.origin.source)[1]:
            empty = "is empty, nothing was read"
            return [*lost, InputProblem(name, empty, "check that the program logs to it")]
        return lost

    # -- following -------------------------------------------------------------------------------

    def follow(self, stop: threading.Event, tell: Tell = lambda _: None) -> None:
        """Read what the files gain until `stop` is set; new files that match join.

        `tell`: what a person should know: input that cannot be read, lines that are lost, a
        collection that broke and when it is tried again. Raises what the store raised.
        """
        self._tell, self._quiet = tell, QUIET
        for tail in self._tails.values():
            tail.quiet = QUIET
        rounds = 0
        while not stop.is_set():
            busy = False
            for path in list(self._collections):
                busy = self._step(path) or busy
            rounds += 1
            if rounds % _ROUNDS_PER_SEARCH == 0:
                for problem in self.search():
                    tell(str(problem))
            if not busy:
                self._wait(stop)
        for path, collection in self._collections.items():
            if path not in self._broken:
                collection.finish()

    def _step(self, path: Path) -> bool:
        """One round of one file. What breaks is recorded, told, and begun anew after a pause."""
        collection, broken = self._collections[path], self._broken.get(path)
        if broken is not None:
            if self._clock() < broken.again_at or not collection.settled:
                return False
            self._tails[collection.origin.source].close()
            collection = self._collections[path] = self._collection(
                path, collection.origin.source, failing=collection.failure
            )
        told = len(collection.lost)
        try:
            busy = collection.step()
        except Exception as error:  # noqa: BLE001 - one file must not end the others
            self._break(path, collection, error, broken)
            return False
        for lost in collection.lost[told:]:
            self._tell(lost)
        self._broken.pop(path, None)
        return busy

    def _break(
        self, path: Path, collection: Collection, error: Exception, before: _Broken | None
    ) -> None:
        """Begin anew from what is durable later on: what was read and not handed in comes again.

        Raises what the store raised, where that is what broke.
        """
        pause = min(before.pause * 2, _LONGEST_PAUSE) if before else 1.0
        reason = clean_name(f"{path}: collecting broke with {type(error).__name__}: {error}")
        self._broken[path] = _Broken(reason, self._clock() + pause, pause)
        collection.fail(reason, "it is tried again by itself; please report this")
        self._tell(f"{reason}; trying again in {pause:g} s")

    # -- which file belongs to which source ------------------------------------------------------

    def _join(self, path: Path) -> list[InputProblem]:
        """Open a file as a source, unless it was read, or will be, as part of another."""
        found = look(path)
        if found is None:  # opening it will tell why
            self._collections[path] = self._collection(path, self._name(path))
            return []
        if self._passed_over.get(path) == (found.device, found.inode):
            return []
        owner = self._owner_of(found)
        if owner is None:
            if self._is_generation_of_followed(found):
                self._passed_over[path] = (found.device, found.inode)
            else:
                self._collections[path] = self._collection(path, self._name(path))
            return []
        name, finished = owner
        if self._known(name)[0] == clean_name(str(path)) and name not in self._names:
            self._names[name] = path
            self._collections[path] = self._collection(path, name)
        elif name in self._names or finished:
            self._passed_over[path] = (found.device, found.inode)
            if name not in self._names:
                read = f"was read before, as part of {name}"
                return [InputProblem(str(path), read, f"name {self._known(name)[0]} to go on")]
        else:
            self._names[name] = path
            self._collections[path] = self._collection(path, name)
        return []

    def _is_generation_of_followed(self, found: Found) -> bool:
        """Whether the file is what a rotation made of a followed one, which reads it itself."""
        live = _live(found.path)
        if live == found.path or live not in self._collections:
            return False
        tail = self._tails[self._collections[live].origin.source]
        return self._searched or tail.will_read(found)

    def _owner_of(self, found: Found, *, besides: str = "") -> tuple[str, bool] | None:
        """The source that read this file, and whether it has finished it; None where none did."""
        relatives = []
        for name in {*self._sources, *self._tails} - {besides}:
            files = self._files_of(name)
            if any(known.is_same(found) for known in files):
                return name, not files[-1].is_same(found)
            if self._is_related(name, found.path):
                relatives.append((name, files))
        for name, files in relatives:
            if any(known.is_copied(found, whole=True) for known in files):
                return name, True
            if files and not besides and files[-1].is_copied(found, whole=False):
                return name, False
        return None

    def _files_of(self, name: str) -> list[Identity]:
        if name in self._tails:
            return self._tails[name].identities()
        checkpoint = self._sources[name][1]
        last = read_last(checkpoint)
        return [*read_before(checkpoint), last] if last else []

    def _is_related(self, name: str, path: Path) -> bool:
        """Whether a file is named like another generation of a source's file."""
        tail = self._tails.get(name)
        location = tail.path if tail else Path(self._sources[name][0])
        return path != location and _live(location) == _live(path)

    def _collection(self, path: Path, name: str, failing: str = "") -> Collection:
        _, checkpoint = self._known(name)
        service = service_of_file(clean_name(path.name))
        tail = FileTail(
            path,
            checkpoint or None,
            start_at_end=self._start_at_end,
            quiet=self._quiet,
            is_taken=lambda found: self._owner_of(found, besides=name) is not None,
        )
        self._tails[name] = tail
        origin = Origin(name, "file", clean_name(str(path)), service or "")
        parser = SourceParser(name, self._formats, service=service)
        return Collection(origin, tail, parser, self._intake, failing=failing)

    def _name(self, path: Path) -> str:
        """The file's name; with its folders before it where another file has that name."""
        parts = path.parts
        shown = clean_name(str(path))
        for length in range(1, len(parts) + 1):
            name = clean_name("/".join(part.strip("/") for part in parts[-length:]))
            name = name.replace("#", "_")
            location, _ = self._known(name)
            taken = self._names.get(name, path) != path or (location and location != shown)
            if not taken:
                self._names[name] = path
                return name
        self._names[shown.replace("#", "_")] = path
        return shown.replace("#", "_")

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
        try:
            next(iter(changes), None)
        except (OSError, RuntimeError):  # a folder went, no watches left: look by the clock
            stop.wait(_WAKE_MS / 1_000)


def _live(path: Path) -> Path:
    return path.with_name(live_name(path.name))
