"""The look-ups as CrewAI tools: read-only, bounded, their results fenced as data.

Imports CrewAI: import this only where a crew runs.
"""

from collections.abc import Callable, Iterable

from crewai.tools import BaseTool
from pydantic import BaseModel, Field

from application.ports import Lookups
from domain.detection.anomaly import Line
from infrastructure.agents.crew.fencing import Fence, shortened, shown_records

_RESULT_AT_MOST = 4_000


class StepOver(Exception):
    """The step was given up; nothing is looked up, or recorded, for it any more."""


class SearchArguments(BaseModel):
    text: str = Field(description="Words that stand in the record, for example an error message")
    service: str = Field(default="", description="Only records of this service; empty: of any")


class AroundArguments(BaseModel):
    ref: str = Field(description="Address of a record, like nginx.log#12")


class SimilarArguments(BaseModel):
    text: str = Field(description="What the incident is about, in one sentence")


class SearchRecords(BaseTool):
    name: str = "search_records"
    description: str = "Finds log records that contain the given words."
    args_schema: type[BaseModel] = SearchArguments
    look: Callable[[str, str], str] = Field(exclude=True)

    def _run(self, text: str, service: str = "") -> str:
        return self.look(text, service)


class RecordsAround(BaseTool):
    name: str = "records_around"
    description: str = "Shows the log records just before and after one record."
    args_schema: type[BaseModel] = AroundArguments
    look: Callable[[str], str] = Field(exclude=True)

    def _run(self, ref: str) -> str:
        return self.look(ref)


class SimilarIncidents(BaseTool):
    name: str = "similar_incidents"
    description: str = "Finds past incidents that read like the given text."
    args_schema: type[BaseModel] = SimilarArguments
    look: Callable[[str], str] = Field(exclude=True)

    def _run(self, text: str) -> str:
        return self.look(text)


def lookup_tools(
    lookups: Lookups,
    fence: Fence,
    remember: Callable[[Iterable[Line]], None],
    over: Callable[[], bool],
) -> list[BaseTool]:
    """The tools of one step, until it is `over`.

    `remember` is told every record shown, so that it may be cited.
    """

    def open_lookups() -> Lookups:
        if over():
            raise StepOver("the step has ended")
        return lookups

    def told(lines: list[Line]) -> str:
        remember(lines)
        shown = shown_records(lines, _RESULT_AT_MOST)
        return fence.around("Records:", shown) or "No records found."

    def search(text: str, service: str) -> str:
        return told(open_lookups().search_records(text[:200], service=service or None, limit=10))

    def around(ref: str) -> str:
        source, _, sequence = ref.strip().strip("[]").rpartition("#")
        if not (source and sequence.isascii() and sequence.isdigit()):
            return "That is no address of a record; write it like nginx.log#12."
        return told(open_lookups().records_around(source, int(sequence), count=5))

    def similar(text: str) -> str:
        found = "\n".join(
            f"{shortened(s.title, 150)}: {shortened(s.root_cause, 200)} (class {s.error_class})"
            for s in open_lookups().similar_incidents(text[:500], limit=5)
        )
        return fence.around("Past incidents:", found) or "No past incident is alike."

    return [SearchRecords(look=search), RecordsAround(look=around), SimilarIncidents(look=similar)]
