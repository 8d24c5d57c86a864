"""`aiops search`: incidents and patterns by meaning and word, records by word."""

from pathlib import Path

from infrastructure.settings import load_settings
from interfaces.cli.terminal import clock, console, print_json, safe
from interfaces.reading import open_reading


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
    for hit in found.hits:
        out.print(f"{hit.kind:<10} {hit.id[:8]}  {safe(hit.title)}")
    for record in found.records:
        out.print(f"record     {safe(record.ref)}  {clock(record.time)}  {safe(record.text[:300])}")
    if found.note:
        out.print(found.note, style="dim")
