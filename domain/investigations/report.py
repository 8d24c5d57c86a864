"""The report a person reads first."""

from pydantic import BaseModel

from domain.investigations.diagnosis import Citation


class Report(BaseModel):
    """Subject line, one-sentence story, and the paragraphs behind it; plain text throughout."""

    subject: str
    summary: str
    """The incident in one or two sentences."""
    what_happened: str
    why: str
    impact: str
    what_to_do: str
    citations: list[Citation] = []


def without(text: str, *told: str) -> str:
    """A text without what its reader was told already; what is left of it on clean lines."""
    for already in told:
        if already:
            text = text.replace(already, "")
    return "\n".join(line.strip() for line in text.splitlines() if line.strip())
