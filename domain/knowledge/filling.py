"""Putting what a rule captured into its texts."""

import re
from collections.abc import Mapping

_SLOT = re.compile(r"\{([a-z][a-z_]{1,30})\}")
_LONGEST_VALUE = 200


def fill(text: str, values: Mapping[str, str], captures: frozenset[str] = frozenset()) -> str:
    """Replace `{name}` by what was captured; by `<name>` where it was not captured this time.

    `captures`: every name the rule can capture. Braces that are no capture, as in awk programs
    or Go templates, stay as they are.
    """

    def value(slot: re.Match[str]) -> str:
        name = slot.group(1)
        if name in values:
            return " ".join(values[name].split())[:_LONGEST_VALUE]
        return f"<{name}>" if name in captures else slot.group(0)

    return _SLOT.sub(value, text)


def capture_names(expressions: list[str]) -> frozenset[str]:
    """The named groups of RE2 expressions."""
    return frozenset(name for e in expressions for name in re.findall(r"\(\?P<([a-z_]+)>", e))
