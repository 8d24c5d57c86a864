"""`aiops search`: incidents and patterns by meaning and word, records by word."""

from pathlib import Path

from domain.logs.alike import group_alike
from infrastructure.settings import load_settings
from interfaces.cli.terminal import clock, console, print_json, safe
from interfaces.reading import open_reading

_OF_A_KIND = 5
"""Hits of one kind that are printed."""
_LONGEST = 160


def run(data: Path | None, text: str, *, limit: int, as_json: bool) -> None:
    """Print what is found."""
    with open_reading(load_settings(data=data)) as reading:
        found = reading.search(text, limit)
    if as_json:
        print_json(found)
        return
    out = console()
    if not found.hits and not found.records:
        out.print("Nothing found.")
    for kind in dict.fromkeys(["incident", *(hit.kind for hit in found.hits)]):
        hits = [hit for hit in found.hits if hit.kind == kind]
        for hit in hits[:_OF_A_KIND]:
            out.print(f"{hit.kind:<10} {hit.id[:8]}  {_line(hit.title)}")
        if len(hits) > _OF_A_KIND:
            out.print(f"{'':<10} {len(hits) - _OF_A_KIND} more: --json shows all", style="dim")
    for alike in group_alike(found.records, lambda r: r.text, lambda r: r.source):
        last = alike[0]
        times = f"  {len(alike)} times, the last one:" if len(alike) > 1 else ""
        out.print(f"record     {safe(last.ref)}  {clock(last.time)}{times}  {_line(last.text)}")
    if found.note:
        out.print(found.note, style="dim")


def _line(text: str) -> str:
    """A stranger's text on one line of bounded length."""
    line = safe(" ".join(text[: 4 * _LONGEST].split()))
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}…"
