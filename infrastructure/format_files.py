"""The log formats that come with the program, read from their YAML files."""

from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from domain.logs.formats import FormatCatalogue


@cache
def load_formats() -> FormatCatalogue:
    """All packaged formats, compiled once a process.

    Raises yaml.YAMLError or pydantic's ValidationError for a broken file, which only a broken
    installation has.
    """
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    documents: list[Any] = [
        yaml.load(entry.read_text(encoding="utf-8"), Loader=loader)  # noqa: S506 - a safe loader
        for entry in sorted(files("domain.logs.formats").iterdir(), key=lambda item: item.name)
        if entry.name.endswith(".yaml")
    ]
    return FormatCatalogue.from_data(documents)
