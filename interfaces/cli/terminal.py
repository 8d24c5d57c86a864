"""What goes to the terminal: data on stdout, progress on stderr, log text made harmless."""

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pydantic import BaseModel

from domain.logs.cleaning import clean

if TYPE_CHECKING:
    from rich.console import Console

COLOURS = {"critical": "bold red", "high": "bold yellow", "medium": "cyan", "low": "dim"}


def console(*, stderr: bool = False) -> "Console":
    """A console that knows whether it is a terminal, and NO_COLOR."""
    from rich.console import Console

    return Console(stderr=stderr, highlight=False, markup=False, emoji=False, soft_wrap=True)


def print_json(document: BaseModel) -> None:
    """One JSON document on stdout, and a line end."""
    sys.stdout.write(document.model_dump_json(indent=2) + "\n")


def say(text: str) -> None:
    """A line for the person, on stderr, so that stdout stays data."""
    console(stderr=True).print(safe(text))


def safe(text: str) -> str:
    """Log text without anything a terminal would obey; line breaks stay."""
    return "\n".join(clean(line) for line in text.split("\n"))


def clock(nanoseconds: int) -> str:
    """A record's time for people, in UTC."""
    return datetime.fromtimestamp(nanoseconds / 1e9, UTC).strftime("%Y-%m-%d %H:%M:%S")
