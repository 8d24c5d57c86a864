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
