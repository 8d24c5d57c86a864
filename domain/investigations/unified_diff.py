"""Whether a text has the form of a unified diff: POSIX `diff -u`, as `patch` reads it."""

import re

_HUNK = re.compile(r"^@@ -\d{1,9}(?:,(\d{1,9}))? \+\d{1,9}(?:,(\d{1,9}))? @@")


def diff_problem(diff: str) -> str | None:
    """What keeps `patch` from reading it, as a short clause; None when the form is right.

    Whether it applies to the real file is not known here: the file is not.
    """
    lines = diff.rstrip("\n").split("\n")
    header = next((i for i, line in enumerate(lines) if line.startswith("--- ")), None)
    if header is None or header + 1 >= len(lines) or not lines[header + 1].startswith("+++ "):
        return "it has no '--- old' line followed by a '+++ new' line"
    at, hunks = header + 2, 0
    while at < len(lines):
        if (
            lines[at].startswith("--- ")
            and at + 1 < len(lines)
            and lines[at + 1].startswith("+++ ")
        ):
            at += 2
            continue
        if lines[at].startswith(
            ("diff ", "index ", "new file", "deleted file", "old mode", "new mode")
        ):
            at += 1
            continue
        match = _HUNK.match(lines[at])
        if match is None:
            return f"line {at + 1} is not a hunk header like '@@ -1,3 +1,4 @@'"
        old, new = (int(count) if count is not None else 1 for count in match.groups())
        at, problem = _end_of_hunk(lines, at + 1, old, new)
        if problem:
            return problem
        hunks += 1
    return None if hunks else "it has no hunk ('@@ -1,3 +1,4 @@' and the changed lines)"


def _end_of_hunk(lines: list[str], at: int, old: int, new: int) -> tuple[int, str | None]:
    """Walk a hunk that promises `old` and `new` lines; the index behind it, and what is wrong."""
    start, changed = at, False
    while at < len(lines) and (old > 0 or new > 0):
        # An empty context line often loses its leading blank on the way; patch accepts that too.
        mark = lines[at][:1] or " "
        if mark not in " +-\\":
            return at, f"line {at + 1} starts with neither blank, '+', '-' nor '\\'"
        old -= mark in " -"
        new -= mark in " +"
        changed = changed or mark in "+-"
        at += 1
    if old or new:
        return at, f"the hunk at line {start} does not have as many lines as its header says"
    if not changed:
        return at, f"the hunk at line {start} changes nothing"
    while at < len(lines) and lines[at].startswith("\\"):
        at += 1
    return at, None
