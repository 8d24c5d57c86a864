"""What the model is asked for, and how it becomes the domain's own types.

The model names a record and quotes it; source, sequence, line, time and service are filled in from
the record itself. What it names wrongly stays in the answer as it is: the gate sees it.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, Field, ValidationError

from domain.detection.anomaly import Line
from domain.investigations.diagnosis import (
    Citation,
    Context,
    Diagnosis,
    Hypothesis,
    ServiceDependency,
    TimelineEntry,
)
from domain.investigations.remediation import ProposedPatch, Remediation
from domain.investigations.report import Report
from domain.knowledge.vocabulary import Criticality, ErrorClass
from infrastructure.agents.crew.near_json import NoJsonFound, json_object

_TEXT_AT_MOST = 4_000
_ITEMS_AT_MOST = 30


class BadAnswer(Exception):
    """The answer is not of the form asked for; the text tells the model what to mend."""


def _as_text(value: Any) -> Any:
    """Small models answer with lists and numbers where one text was asked for."""
    if value is None:
        return ""
    if isinstance(value, list):
        return "\n".join(str(item) for item in value)[:_TEXT_AT_MOST]
    if isinstance(value, str | int | float):
        return str(value)[:_TEXT_AT_MOST]
    return value


def _as_texts(value: Any) -> Any:
    if value is None or value == "":
        return []
    if isinstance(value, str):
        return [value[:_TEXT_AT_MOST]]
    if isinstance(value, list):
        return [_from_item(item) for item in value[:_ITEMS_AT_MOST] if item not in (None, "")]
    return value


def _from_item(item: Any) -> Any:
    if isinstance(item, dict):
        return " ".join(str(part) for part in item.values())[:_TEXT_AT_MOST]
    return _as_text(item)


def _as_list(value: Any) -> Any:
    if value is None:
        return []
    return (
        [value]
        if isinstance(value, dict)
        else value[:_ITEMS_AT_MOST]
        if isinstance(value, list)
        else value
    )


def _as_share(value: Any) -> Any:
    """0.8, "0.8", "80%", 80 and "high" all mean a confidence."""
    words = {"low": 0.3, "medium": 0.6, "high": 0.85, "very high": 0.95}
    if isinstance(value, str):
        if value.strip().lower() in words:
            return words[value.strip().lower()]
        number = re.fullmatch(r"\s*(\d{1,3}(?:\.\d{1,6})?)\s*(%?)\s*", value)
        if number:
            value = float(number[1]) / (100 if number[2] else 1)
    if isinstance(value, bool):
        raise ValueError("must be a number from 0 to 1")
    return value / 100 if isinstance(value, int | float) and 1 < value <= 100 else value


def _as_word(value: Any) -> Any:
    """`Connection Refused` and `CONNECTION-REFUSED` are the vocabulary's `connection_refused`."""
    return re.sub(r"[\s-]+", "_", value.strip().lower()) if isinstance(value, str) else value


Text = Annotated[str, BeforeValidator(_as_text)]
Texts = Annotated[list[str], BeforeValidator(_as_texts)]
Word = BeforeValidator(_as_word)


class QuoteAnswer(BaseModel):
    ref: Text
    quote: Text


class EventAnswer(BaseModel):
    what: Text
    ref: Text = ""
    quote: Text = ""


class DependencyAnswer(BaseModel):
    caller: Text
    callee: Text
    reason: Text = ""
    ref: Text = ""
    quote: Text = ""


class ContextAnswer(BaseModel):
    timeline: Annotated[list[EventAnswer], BeforeValidator(_as_list)] = []
    changes: Annotated[list[EventAnswer], BeforeValidator(_as_list)] = []
    dependencies: Annotated[list[DependencyAnswer], BeforeValidator(_as_list)] = []
    technologies: dict[str, Text] = {}


class HypothesisAnswer(BaseModel):
    candidate: int | None = None
    root_cause: Text = ""
    error_class: Annotated[ErrorClass | None, Word] = None
    service: Text = ""
    confidence: Annotated[float, BeforeValidator(_as_share)] = Field(default=0.5, ge=0, le=1)
    explains: Texts = []
    against: Texts = []
    check_next: Texts = []
    citations: Annotated[list[QuoteAnswer], BeforeValidator(_as_list)] = []


class DiagnosisAnswer(BaseModel):
    title: Text = ""
    criticality: Annotated[Criticality, Word]
    criticality_reason: Text = ""
    cause_visible: bool = True
    explanation: Text = ""
    hypotheses: Annotated[list[HypothesisAnswer], BeforeValidator(_as_list)] = Field(min_length=1)


class PatchAnswer(BaseModel):
    path: Text
    diff: Text


class FixAnswer(BaseModel):
    summary: Text
    mitigation: Texts = []
    steps: Texts = []
    configuration: Texts = []
    patches: Annotated[list[PatchAnswer], BeforeValidator(_as_list)] = []
    verify: Texts = []
    rollback: Texts = []
    warnings: Texts = []


class ReportAnswer(BaseModel):
    subject: Text = Field(min_length=1)
    summary: Text = Field(min_length=1)
    what_happened: Text
    why: Text
    impact: Text = ""
    what_to_do: Text


A = TypeVar("A", bound=BaseModel)


def read(answer: str, form: type[A]) -> A:
    """The answer in its form. Raises BadAnswer with what to mend."""
    try:
        return form.model_validate(json_object(answer))
    except NoJsonFound as error:
        raise BadAnswer(str(error)) from None
    except ValidationError as error:
        problems = (
            f"{'.'.join(str(part) for part in e['loc']) or 'the object'}: {e['msg']}"
            for e in error.errors(include_url=False, include_input=False)[:5]
        )
        raise BadAnswer("the JSON object has the wrong form: " + "; ".join(problems)) from None


def citation(ref: str, quote: str, lines: Mapping[str, Line]) -> Citation:
    """The quote with the physical line it stands on.

    A quote whose blanks or escapes differ from the record's is replaced by the record's own
    words. One that is not there keeps the record's first line: the gate will refuse it.
    """
    ref = ref.strip().strip("[]`'\"")
    source, _, sequence = ref.rpartition("#")
    line = lines.get(ref)
    quote = quote.strip("\r\n")
    if line is None:
        number = int(sequence) if sequence.isascii() and sequence.isdigit() else 0
        return Citation(source=source or ref, sequence=number, line=1, quote=quote)
    physical = (line.original or line.text).split("\n")
    for offset, text in enumerate(physical[: max(line.line_count, 1)]):
        if found := _span(quote, text):
            return Citation(
                source=line.source, sequence=line.sequence, line=line.line + offset, quote=found
            )
    return Citation(source=line.source, sequence=line.sequence, line=line.line, quote=quote)


def _span(quote: str, text: str) -> str:
    """The words of `text` that `quote` means; empty when it does not mean any."""
    # A quote over several physical lines proves by its first one.
    quote = next((part.strip() for part in quote.split("\n") if part.strip()), "")
    if not quote or quote in text:
        return quote
    cut = quote.removesuffix("...").removesuffix("…").strip()
    words = [re.escape(word) for word in cut.split()]
    # At least two words: a single letter would be found anywhere.
    found = re.search(r"\s+".join(words), text) if len(words) > 1 else None
    return found[0] if found else ""


def context_from(answer: ContextAnswer, base: Context, lines: Mapping[str, Line]) -> Context:
    """What the model saw, added to what is known without it; times are the records' own."""
    services = [*base.services, *(line.service for line in lines.values() if line.service)]
    known = {(d.caller, d.callee) for d in base.dependencies}
    found = [
        ServiceDependency(
            caller=d.caller,
            callee=d.callee,
            reason=d.reason,
            citation=citation(d.ref, d.quote, lines) if d.ref and d.quote else None,
        )
        for d in answer.dependencies
        if d.caller and d.callee and (d.caller, d.callee) not in known
    ]
    return Context(
        services=list(dict.fromkeys(services)),
        timeline=_merged(base.timeline, _entries(answer.timeline, lines)),
        changes=_merged(base.changes, _entries(answer.changes, lines)),
        dependencies=[*base.dependencies, *found],
        similar=base.similar,
        technologies={**answer.technologies, **base.technologies},
    )


def _merged(known: list[TimelineEntry], found: list[TimelineEntry]) -> list[TimelineEntry]:
    """In order of time; the model's words on a record stand beside ours only when ours are none."""
    told = {entry.citation.ref for entry in known if entry.citation}
    new = [e for e in found if e.citation is None or e.citation.ref not in told]
    return sorted([*known, *new], key=lambda entry: entry.time)


def _entries(events: Sequence[EventAnswer], lines: Mapping[str, Line]) -> list[TimelineEntry]:
    """Entries in order of time. One without a record has no time, so it is no entry."""
    entries: list[TimelineEntry] = []
    for event in events:
        if not event.ref:
            continue
        proof = citation(event.ref, event.quote, lines)
        line = lines.get(proof.ref)
        # An unknown record stays in, for the gate to refuse; its time is unknown.
        entries.append(
            TimelineEntry(
                time=line.time if line else 0,
                service=line.service if line else "",
                what=event.what,
                citation=proof if event.quote or line is None else None,
            )
        )
    return sorted(entries, key=lambda entry: entry.time)


def diagnosis_from(
    answer: DiagnosisAnswer,
    candidates: Sequence[Hypothesis],
    lines: Mapping[str, Line],
    findings: list[str],
) -> Diagnosis:
    """The diagnosis with its hypotheses ordered. Raises BadAnswer when one says too little."""
    hypotheses = [_hypothesis(h, candidates, lines) for h in answer.hypotheses]
    hypotheses.sort(key=lambda h: -h.confidence)
    first = hypotheses[0]
    return Diagnosis(
        title=answer.title or first.root_cause[:120],
        root_cause=first.root_cause,
        error_class=first.error_class,
        criticality=answer.criticality,
        criticality_reason=answer.criticality_reason,
        service=first.service,
        confidence=first.confidence,
        cause_visible=answer.cause_visible,
        explanation=answer.explanation,
        hypotheses=hypotheses,
        citations=first.citations,
        findings=findings,
    )


def _hypothesis(
    answer: HypothesisAnswer, candidates: Sequence[Hypothesis], lines: Mapping[str, Line]
) -> Hypothesis:
    """The model's hypothesis; what it left out comes from the candidate it chose."""
    chosen: Hypothesis | None = None
    if answer.candidate is not None and 1 <= answer.candidate <= len(candidates):
        chosen = candidates[answer.candidate - 1]
    citations = [citation(c.ref, c.quote, lines) for c in answer.citations]
    error_class = answer.error_class or (chosen.error_class if chosen else None)
    root_cause = answer.root_cause or (chosen.root_cause if chosen else "")
    service = answer.service or (chosen.service if chosen else "")
    if not (root_cause and error_class and service):
        raise BadAnswer("each hypothesis needs root_cause, error_class and service")
    # Only a hypothesis that says the same is the rule's; in other words or class it is the model's.
    same = chosen is not None and chosen.error_class == error_class and chosen.service == service
    return Hypothesis(
        root_cause=root_cause,
        error_class=error_class,
        service=service,
        confidence=answer.confidence,
        rule_id=chosen.rule_id if chosen and same else None,
        explains=answer.explains or (chosen.explains if chosen and same else []),
        against=answer.against,
        check_next=answer.check_next or (chosen.check_next if chosen and same else []),
        citations=citations or (chosen.citations if chosen and same else []),
    )


def remediation_from(answer: FixAnswer, diagnosis: Diagnosis) -> Remediation:
    """The remediation, proven by what proves the diagnosis; its patches are sketches."""
    return Remediation(
        summary=answer.summary,
        mitigation=answer.mitigation,
        steps=answer.steps,
        configuration=answer.configuration,
        patches=[
            ProposedPatch(path=p.path, diff=with_counted_hunks(p.diff), sketch=True)
            for p in answer.patches
            if p.diff.strip()
        ],
        verify=answer.verify,
        rollback=answer.rollback,
        warnings=answer.warnings,
        citations=diagnosis.citations,
    )


def report_from(answer: ReportAnswer, diagnosis: Diagnosis) -> Report:
    """The report, proven by what proves the diagnosis."""
    return Report(**answer.model_dump(), citations=diagnosis.citations)


def with_counted_hunks(diff: str) -> str:
    """The diff with line counts that are right: models write good lines and wrong counts."""
    lines = diff.strip("\n").removeprefix("```diff\n").removesuffix("\n```").split("\n")
    heads = [i for i, line in enumerate(lines) if line.startswith("@@")]
    for head, end in zip(heads, [*heads[1:], len(lines)], strict=True):
        numbers = re.match(
            r"@@ -(\d{1,9})(?:,\d{1,9})? \+(\d{1,9})(?:,\d{1,9})? @@(.*)", lines[head]
        )
        if numbers is None:
            continue
        body = []
        for line in lines[head + 1 : end]:
            if line.startswith(("--- ", "diff --git ")):
                break
            body.append(line[:1] or " ")
        old, new = (sum(mark in marks for mark in body) for marks in (" -", " +"))
        lines[head] = f"@@ -{numbers[1]},{old} +{numbers[2]},{new} @@{numbers[3]}"
    return "\n".join(lines) + "\n"
