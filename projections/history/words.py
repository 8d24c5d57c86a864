"""What people type, as an FTS5 expression that cannot be a syntax error."""

import re

MAX_WORDS = 32
"""Words of a query that count: nobody searches for more, and each costs a lookup."""

_SEARCHABLE = re.compile(r"\w")


def any_of(text: str) -> str:
    """Match texts with at least one of the words; empty where `text` has none."""
    return " OR ".join(_phrases(text))


def all_of(text: str) -> str:
    """Match texts with every word; empty where `text` has none."""
    return " AND ".join(_phrases(text))


def _phrases(text: str) -> list[str]:
    # sqlite.org/fts5.html, section 3: inside a string every character but " is plain, and ""
    # stands for that one. A NUL would end the expression.
    words = dict.fromkeys(text.replace("\0", " ").split())
    kept = [word for word in words if _SEARCHABLE.search(word)][:MAX_WORDS]
    return ['"' + word.replace('"', '""') + '"' for word in kept]
