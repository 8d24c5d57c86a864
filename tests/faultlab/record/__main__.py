"""`python -m tests.faultlab.record NAME...`: record cases; a family's name means all of it."""

import importlib
import pkgutil
import subprocess
import sys

from tests.faultlab import record as package
from tests.faultlab.record.case import Case, EvidenceMissing, record

NO_FAMILIES = {"__main__", "case", "laboratory", "syslog", "web"}


def families() -> dict[str, dict[str, Case]]:
    """Every module beside this one that holds cases."""
    names = [m.name for m in pkgutil.iter_modules(package.__path__) if m.name not in NO_FAMILIES]
    return {
        name: importlib.import_module(f"{package.__name__}.{name}").CASES.found for name in names
    }


def main(wanted: list[str]) -> int:
    """Record what was asked for. Returns 1 when something could not be recorded."""
    known = families()
    everything = {name: case for found in known.values() for name, case in found.items()}
    if not wanted:
        for family, found in known.items():
            sys.stdout.write(f"{family}: {' '.join(found)}\n")
        return 0
    chosen = [c for name in wanted for c in known.get(name, {name: everything.get(name)}).values()]
    failed = 0
    for case in chosen:
        if case is None:
            sys.stderr.write(f"no such case or family; known: {' '.join(everything)}\n")
            return 2
        try:
            lines = record(case)
        except (EvidenceMissing, OSError, subprocess.SubprocessError) as problem:
            failed = 1
            sys.stderr.write(f"{case.name}: {problem}\n")
        else:
            sys.stdout.write(f"{case.folder.parent.name}/{case.name}: {lines} lines\n")
    return failed


sys.exit(main(sys.argv[1:]))
