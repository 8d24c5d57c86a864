"""What to do about it. Proposed, never executed by us."""

from pydantic import BaseModel

from domain.investigations.diagnosis import Citation


class ProposedPatch(BaseModel):
    """A unified diff. `sketch` when the file itself was not seen, only deduced from the logs."""

    path: str
    diff: str
    sketch: bool = True


class Remediation(BaseModel):
    """Mitigation now, the fix, how to verify it, how to take it back."""

    summary: str
    mitigation: list[str] = []
    steps: list[str] = []
    configuration: list[str] = []
    patches: list[ProposedPatch] = []
    verify: list[str] = []
    rollback: list[str] = []
    warnings: list[str] = []
    citations: list[Citation] = []
