"""Texts that say the same but for their moments, numbers and ids."""

import re
from collections.abc import Callable, Iterable
from typing import TypeVar

_WORD = re.compile(r"\w+")
_LOOKED_AT = 300
"""Characters compared; what differs only later says the same to a person."""

T = TypeVar("T")


def said(text: str) -> str:
    """What a text's first line says, every word that holds a digit left open."""
    first = text.strip().partition("\n")[0][:_LOOKED_AT]
    return _WORD.sub(lambda word: "#" if any(map(str.isdigit, word[0])) else word[0], first)


def group_alike(
    items: Iterable[T], text_of: Callable[[T], str], also: Callable[[T], object] = lambda _: None
) -> list[list[T]]:
    """Items whose texts say the same (and whose `also` is equal) together, in first order."""
    groups: dict[tuple[object, str], list[T]] = {}
    for item in items:
        groups.setdefault((also(item), said(text_of(item))), []).append(item)
    return list(groups.values())
