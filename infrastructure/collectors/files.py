"""Log files: which ones are meant, and what is wrong with the others."""

import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from glob import glob, has_magic
from pathlib import Path

from domain.logs.cleaning import clean_name
from infrastructure.collectors.archives import GZIP, UnpackingError, unpack
from infrastructure.collectors.tail import UTF16

SAMPLE = 8192
"""Bytes looked at to tell text from binary."""

_ARCHIVES = (".bz2", ".xz", ".zst", ".zip", ".tar", ".tgz", ".7z", ".rar", ".lz4")
_DOCUMENTS = frozenset(
    [
        ".conf",
        ".cfg",
        ".ini",
        ".yaml",
        ".yml",
        ".toml",
        ".md",
        ".html",
        ".xml",
        ".py",
        ".js",
        ".sh",
        ".sql",
        ".db",
        ".pid",
        ".sock",
        ".lock",
    ]
)


@dataclass(frozen=True, slots=True)
class InputProblem:
    """Input that cannot be read: where, what is wrong, what to do."""

    path: str
    problem: str
    remedy: str

    def __str__(self) -> str:
        return f"{clean_name(self.path)}: {self.problem}; {self.remedy}"


def expand(patterns: Sequence[str]) -> tuple[list[Path], list[InputProblem]]:
    """The files that patterns mean: files, globs, and directories with their regular files.

    What cannot be read becomes a problem; the other files are still returned. An empty file is
    none. Each file comes once, in the order asked for.
    """
    paths: dict[Path, None] = {}
    problems: list[InputProblem] = []
    for pattern in patterns:
        path = Path(pattern).expanduser()
        if path.is_dir():
            _take_directory(path, paths, problems)
        elif has_magic(pattern) and not path.exists():
            found = [Path(name) for name in sorted(glob(os.path.expanduser(pattern)))]
            if not any(item.is_file() for item in found):
                problems.append(
                    InputProblem(pattern, "no file matches", "check the pattern and its quotes")
                )
            for item in found:
                if not item.is_dir():
                    _take_file(item, paths, problems)
        else:
            _take_file(path, paths, problems)
    return list(paths), problems


def _take_directory(directory: Path, paths: dict[Path, None], problems: list[InputProblem]) -> None:
    try:
        entries = sorted(directory.iterdir())
    except PermissionError:
        problems.append(_no_permission(directory))
        return
    taken = 0
    for entry in entries:
        hidden = entry.name.startswith(".") or _is_archive(entry) or _is_document(entry)
        if entry.is_file() and not hidden:
            found: list[InputProblem] = []
            _take_file(entry, paths, found)
            taken += not found
            problems += [p for p in found if "binary" not in p.problem]
    if not taken:
        problems.append(
            InputProblem(
                str(directory), "no log file in this directory", "name the files themselves"
            )
        )


def _is_document(path: Path) -> bool:
    """A settings file or source code that lies beside logs: nobody meant it by the directory."""
    if path.suffix.lower() in _DOCUMENTS:
        return True
    if path.suffix.lower() != ".json":
        return False
    try:
        with path.open("rb") as file:
            first = file.readline(SAMPLE).strip()
    except OSError:
        return False
    return not (first.startswith(b"{") and first.endswith(b"}"))


def _take_file(path: Path, paths: dict[Path, None], problems: list[InputProblem]) -> None:
    problem = _problem_of(path)
    if problem is None:
        # a source is the same file tomorrow, whatever folder we are called from then
        paths.setdefault(Path(os.path.abspath(path)))
    else:
        problems.append(problem)


def _problem_of(path: Path) -> InputProblem | None:
    name = str(path)
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            return InputProblem(name, "is not a regular file", "pipe it in instead: aiops ingest -")
        with path.open("rb") as file:
            sample = file.read(SAMPLE)
    except FileNotFoundError:
        return InputProblem(name, "there is no such file", "check the path")
    except PermissionError:
        return _no_permission(path)
    except OSError as error:
        return InputProblem(name, error.strerror or "cannot be read", "check the file")
    if _is_archive(path):
        return InputProblem(name, "is an archive", "unpack it first and name the unpacked files")
    if sample.startswith(GZIP):
        return _problem_of_archive(path, status.st_size)
    if is_binary(sample):
        return InputProblem(name, "is a binary file, not a log", "name text files only")
    return None


def _problem_of_archive(path: Path, size: int) -> InputProblem | None:
    try:
        with path.open("rb") as file:
            unpacked = unpack(os.dup(file.fileno()), size)
            sample = unpacked.read(SAMPLE)
            unpacked.close()
    except UnpackingError as error:
        return InputProblem(str(path), str(error), "unpack it yourself and look at it first")
    if is_binary(sample):
        return InputProblem(str(path), "holds a binary file, not a log", "name text files only")
    return None


def is_binary(sample: bytes) -> bool:
    """Whether bytes are no text: many NULs or control characters; UTF-16 with BOM is text."""
    if not sample or sample[:2] in UTF16:
        return False
    controls = len(sample) - len(sample.translate(None, bytes([*range(7), *range(14, 27), 28, 29])))
    return controls * 20 > len(sample)


def _is_archive(path: Path) -> bool:
    return path.name.lower().endswith(_ARCHIVES)


def _no_permission(path: Path) -> InputProblem:
    return InputProblem(str(path), "no permission to read it", "run as a user who may, or use sudo")
