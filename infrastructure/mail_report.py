"""An incident's report as a mail body: HTML for a phone at three in the morning, and plain text.

Everything a report quotes comes from logs, which are hostile: terminal escapes, text that reads
backwards, markup, huge lines. It is made visible and short here, once, before any template sees
it; the HTML template then escapes on top.
"""

import unicodedata
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jinja2
from pydantic import BaseModel, Field, field_validator

from domain.investigations.report import without
from domain.logs.alike import group_alike

MAX_TEXT = 4_000
"""Characters of one text of a report; mails have limits and readers too."""
MAX_QUOTE = 600
"""Characters of one quoted log line."""
MAX_ITEMS = 12
"""Steps, quoted lines or hypotheses shown of each; the incident's page has the rest."""
MAX_PATCH_LINES = 80

TEMPLATES = Path(__file__).parent / "templates"


class Quote(BaseModel):
    """A log line that proves something."""

    source: str
    line: int | None = None
    sequence: int | None = None
    quote: str
    alike: int = 0
    """Cited lines besides this one that say the same."""


class Cause(BaseModel):
    """A possible cause and how sure the diagnosis is of it (0 to 1)."""

    root_cause: str
    confidence: float = 0.0


class Patch(BaseModel):
    """A proposed change as a unified diff."""

    path: str
    diff: str


class MailReport(BaseModel):
    """What the notifying use case hands to a channel."""

    incident_id: str
    title: str
    service: str = ""
    criticality: str = ""
    error_class: str = ""
    root_cause: str = ""
    confidence: float = 0.0
    summary: str = ""
    what_happened: str = ""
    why: str = ""
    impact: str = ""
    what_to_do: str = ""
    mitigation: list[str] = []
    steps: list[str] = []
    verify: list[str] = []
    patches: list[Patch] = []
    citations: list[Quote] = []
    hypotheses: list[Cause] = []
    first_time: int | None = Field(default=None, description="ns since 1970, UTC")
    link: str = ""
    audit_link: str = ""

    @field_validator("incident_id", "criticality", "error_class", mode="before")
    @classmethod
    def _as_text(cls, value: object) -> str:
        return str(value)

    @property
    def since(self) -> str:
        """When the first record of the incident was written, empty when not known."""
        if not self.first_time:
            return ""
        moment = datetime.fromtimestamp(self.first_time / 1e9, tz=UTC)
        return moment.strftime("%Y-%m-%d %H:%M:%S UTC")

    @property
    def others(self) -> list[Cause]:
        """The causes that were considered besides the diagnosed one."""
        return [h for h in self.hypotheses if h.root_cause != self.root_cause][:MAX_ITEMS]


def visible(text: str) -> str:
    """`text` with everything that acts instead of being read shown as an escape.

    Newlines and tabs stay. Control and format characters (terminal escapes, bidirectional
    overrides, zero-width marks), private and lone surrogate code points become `\\x1b`, `\\u202e`.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        character
        if character in "\n\t" or unicodedata.category(character) not in _ACTING
        else _escaped(character)
        for character in text.replace("\r\n", "\n")
    )


_ACTING = {"Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp"}


def _escaped(character: str) -> str:
    code = ord(character)
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def one_line(text: str, limit: int) -> str:
    """`visible`, on one line, no longer than `limit` characters."""
    return _cut(" ".join(visible(text[: 2 * MAX_TEXT]).split()), limit)


def render(message: dict[str, Any]) -> tuple[str, str]:
    """The plain text and the HTML of a report. Raises ValueError when the message is malformed."""
    report = MailReport.model_validate(message)
    shown = _told_once(MailReport.model_validate(_made_visible(report.model_dump())))
    shown = shown.model_copy(
        update={
            "patches": [
                patch.model_copy(update={"diff": _cut_lines(patch.diff)}) for patch in shown.patches
            ],
        }
    )
    facts = {
        "report": shown,
        "level": LEVELS.get(shown.criticality.lower(), UNKNOWN_LEVEL),
        "link": shown.link if _is_web_address(shown.link) else "",
        "audit_is_link": _is_web_address(shown.audit_link),
        "max_items": MAX_ITEMS,
    }
    templates = _templates()
    return (
        templates.get_template("report.txt.j2").render(facts),
        templates.get_template("report.html.j2").render(facts),
    )


def _told_once(report: MailReport) -> MailReport:
    """The report without what its reader has read above: cause, steps, other causes, like lines."""
    others = [other.root_cause for other in report.others]
    why = without(report.why, report.root_cause).splitlines()
    steps = [*report.mitigation, *report.steps]
    happened = group_alike(report.what_happened.splitlines(), str)
    proofs = group_alike(report.citations, lambda c: c.quote, lambda c: c.source)
    return report.model_copy(
        update={
            "summary": without(report.summary, report.root_cause),
            "why": "\n".join(line for line in why if not any(cause in line for cause in others)),
            "what_to_do": ""
            if any(step in report.what_to_do for step in steps)
            else report.what_to_do,
            "what_happened": "\n".join(
                f"{lines[0]} ({len(lines)} alike)" if len(lines) > 1 else lines[0]
                for lines in happened
            ),
            "citations": [
                quotes[0].model_copy(
                    update={
                        "quote": one_line(quotes[0].quote, MAX_QUOTE),
                        "alike": len(quotes) - 1,
                    }
                )
                for quotes in proofs
            ],
        }
    )


# Background and text of Okabe and Ito's palette (told apart by people with any colour vision,
# https://jfly.uni-koeln.de/color/), darkened until the word on it has a contrast of 4.5:1; the
# bars say the same without any colour.
LEVELS = {
    "critical": {"back": "#a53f00", "front": "#ffffff", "bars": "▮▮▮▮"},
    "high": {"back": "#e69f00", "front": "#000000", "bars": "▮▮▮▯"},
    "medium": {"back": "#0068a3", "front": "#ffffff", "bars": "▮▮▯▯"},
    "low": {"back": "#4a4a4a", "front": "#ffffff", "bars": "▮▯▯▯"},
}
UNKNOWN_LEVEL = {"back": "#4a4a4a", "front": "#ffffff", "bars": "▯▯▯▯"}


@cache
def _templates() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=jinja2.select_autoescape(("html.j2",), default=False),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _made_visible(value: Any) -> Any:
    if isinstance(value, str):
        return _cut(visible(value[: MAX_TEXT + 1]), MAX_TEXT)
    if isinstance(value, list):
        return [_made_visible(item) for item in value]
    if isinstance(value, dict):
        return {key: _made_visible(item) for key, item in value.items()}
    return value


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def _cut_lines(diff: str) -> str:
    lines = diff.splitlines()
    if len(lines) <= MAX_PATCH_LINES:
        return diff
    return "\n".join([*lines[:MAX_PATCH_LINES], f"… {len(lines) - MAX_PATCH_LINES} more lines"])


def _is_web_address(link: str) -> bool:
    try:
        return urlsplit(link).scheme in {"http", "https"} and not any(c.isspace() for c in link)
    except ValueError:
        return False
