"""The gate: no agent's output passes that is not proven by the records of the case.

It reads output and case, nothing else, and says in sentences what is wrong: a person can read
them in the audit, and a model that gets one back can mend its answer.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise

from pydantic import BaseModel

from domain.detection.anomaly import Line
from domain.investigations.destructive_commands import destructive_commands, warns_of_loss
from domain.investigations.diagnosis import Citation, Context, Diagnosis
from domain.investigations.leaked_secrets import leaked_secrets
from domain.investigations.number_grounding import ungrounded_numbers
from domain.investigations.remediation import Remediation
from domain.investigations.report import Report
from domain.investigations.unified_diff import diff_problem

_MENTION = re.compile(r"(?<![\w#./&-])([A-Za-z0-9][\w.:@/-]{0,200}#\d{1,15})(?!\w)")
_ALL_CLEAR = re.compile(
    r"\b(?:no (?:real |actual )?(?:issues?|problems?|incidents?|errors?|failures?|anomal(?:y|ies))"
    r" (?:was |were |is |are |has been |have been )?"
    r"(?:found|detected|present|occurred|here|exists?|at all)"
    r"|(?:there (?:is|was|are|were)|we (?:see|found)) no (?:issue|problem|incident|failure)s?"
    r"|(?:every|all)(?:thing| systems?| services?| is| are)?(?: \w+)? (?:is |are |was |were )?"
    r"(?:fine|healthy|normal|operational|ok|okay|in order)"
    r"|false alarm|nothing (?:is |was |went )?wrong|no action (?:is )?(?:needed|required|necessary)"
    r"|tout va bien|aucun (?:problème|incident|souci)|fausse alerte|alles in ordnung|kein problem"
    r"|todo está bien|ningún problema)\b",
    re.IGNORECASE,
)

Output = Context | Diagnosis | Remediation | Report


def objections_to(
    output: Output, case_lines: Mapping[str, Line], known_facts: Iterable[str] = ()
) -> list[str]:
    """Why the output must not pass; empty when it may.

    `case_lines`: every record the agent could know, by its address `source#sequence`: evidence,
    its surroundings, what look-ups returned. `known_facts`: sentences with numbers we counted
    ourselves (an anomaly's reason), in which a figure may stand that is in no record.
    """
    objections = [
        o for c in dict.fromkeys(citations_of(output)) if (o := _citation_objection(c, case_lines))
    ]
    if isinstance(output, Diagnosis):
        objections += _diagnosis_objections(output, case_lines, tuple(known_facts))
    if isinstance(output, Remediation):
        objections += _remediation_objections(output)
    if isinstance(output, Report):
        objections += _report_objections(output)
    if not isinstance(output, Context):
        # The context step repeats timeline entries we cut out of the records themselves.
        objections += _mention_objections(output, case_lines)
    for kind in dict.fromkeys(k for text in _texts(output) for k in leaked_secrets(text)):
        objections.append(f"The text shows {kind}; leave it out or write <redacted> in its place.")
    return list(dict.fromkeys(objections))


def _citation_objection(citation: Citation, case_lines: Mapping[str, Line]) -> str | None:
    line = case_lines.get(citation.ref)
    if line is None:
        return (
            f"The citation {citation.ref} names a record that is not in this case; "
            "cite only records you were shown."
        )
    if not citation.quote.strip():
        return (
            f"The citation of {citation.ref} quotes nothing; "
            "quote the words of the record that prove the claim."
        )
    # Some parsers hand over no original: the text is what stood there then.
    physical = (line.original or line.text).split("\n")
    offset = citation.line - line.line
    if not 0 <= offset < max(line.line_count, 1) or offset >= len(physical):
        return (
            f"The citation of {citation.ref} points to line {citation.line}, but that record is on "
            f"lines {line.line} to {line.line + max(line.line_count, 1) - 1}; "
            "give the line of the quote."
        )
    if citation.quote not in physical[offset]:
        return (
            f"The quote {_shortened(citation.quote)} is not on line {citation.line} of "
            f"{citation.source} ({citation.ref}); copy a span of that line letter by letter."
        )
    return None


def _diagnosis_objections(
    diagnosis: Diagnosis, case_lines: Mapping[str, Line], known_facts: Sequence[str]
) -> Iterator[str]:
    if diagnosis.cause_visible and not diagnosis.citations:
        yield (
            "The diagnosis cites no record; cite at least one that shows the cause, "
            "or say that the logs do not show it."
        )
    if not diagnosis.root_cause.strip():
        yield "The root cause is empty; name it in one sentence, or say where to look for it."
    yield from _ranking_objections(diagnosis)
    claim = f"{diagnosis.title}\n{diagnosis.root_cause}"
    for number in ungrounded_numbers(claim, case_lines, known_facts):
        yield (
            f"The number {number} in the title or root cause stands in no record of the case; "
            "leave it out or correct it."
        )
    if _ALL_CLEAR.search(claim):
        yield (
            "The title or root cause says that nothing is wrong, but the incident has evidence "
            "of a failure; explain that evidence."
        )


def _ranking_objections(diagnosis: Diagnosis) -> Iterator[str]:
    if not diagnosis.hypotheses:
        if diagnosis.cause_visible:
            yield "The diagnosis has no hypothesis; list at least the one that is its root cause."
        return
    first = diagnosis.hypotheses[0]
    for name in ("root_cause", "error_class", "service"):
        if getattr(first, name) != getattr(diagnosis, name):
            yield (
                f"The diagnosis' {name} differs from its first hypothesis'; "
                "the first hypothesis is the answer, make them equal."
            )
    if any(a.confidence < b.confidence for a, b in pairwise(diagnosis.hypotheses)):
        yield "The hypotheses are not ordered by confidence; put the most confident first."


def _remediation_objections(remediation: Remediation) -> Iterator[str]:
    proposals = (
        remediation.summary,
        *remediation.mitigation,
        *remediation.steps,
        *remediation.configuration,
        *remediation.verify,
        *remediation.rollback,
        *(_added_lines(patch.diff) for patch in remediation.patches),
    )
    if not (remediation.mitigation or remediation.steps):
        yield "The remediation proposes nothing; give at least one step."
    for proposal in proposals:
        if (commands := destructive_commands(proposal)) and not warns_of_loss(
            (*remediation.warnings, proposal)
        ):
            yield (
                f"The command {', '.join(commands)} in {_shortened(proposal)} destroys data and no "
                "warning says so; replace it, or add a warning about what is lost and what to "
                "back up first."
            )
    for patch in remediation.patches:
        if problem := diff_problem(patch.diff):
            yield f"The patch of {patch.path} is not a unified diff: {problem}."


def _report_objections(report: Report) -> Iterator[str]:
    if not (report.subject.strip() and report.summary.strip()):
        yield "The report has no subject or no summary; write both."
    texts = (report.summary, report.what_happened, report.why, report.impact, report.what_to_do)
    for text in texts:
        if (commands := destructive_commands(text)) and not warns_of_loss(texts):
            yield (
                f"The report proposes {', '.join(commands)}, which destroys data, without a "
                "warning; leave it out or say what is lost."
            )
    if _ALL_CLEAR.search(f"{report.subject}\n{report.summary}"):
        yield (
            "The report says that nothing is wrong, but the incident has evidence of a failure; "
            "tell what happened."
        )


def _mention_objections(output: Output, case_lines: Mapping[str, Line]) -> Iterator[str]:
    unknown = {
        ref for text in _texts(output) for ref in _MENTION.findall(text) if ref not in case_lines
    }
    for ref in sorted(unknown):
        # A record may itself say `worker#1841`; repeating that is no claim about a record. And a
        # source's name may hold a blank, of which the mention shows only the end.
        if not any(
            address.endswith(ref) or ref in line.text or ref in line.original
            for address, line in case_lines.items()
        ):
            yield (
                f"The text mentions {ref}, a record that is not in this case; "
                "mention only records you were shown."
            )


def citations_of(value: object) -> Iterator[Citation]:
    """Every citation anywhere in an output."""
    if isinstance(value, Citation):
        yield value
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from citations_of(getattr(value, name))
    elif isinstance(value, list):
        for item in value:
            yield from citations_of(item)


def _texts(value: object) -> Iterator[str]:
    """Every text anywhere in an output, but for citations: those are checked against the record."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, BaseModel) and not isinstance(value, Citation):
        for name in type(value).model_fields:
            yield from _texts(getattr(value, name))
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from _texts(item)


def _added_lines(diff: str) -> str:
    return "\n".join(line[1:] for line in diff.split("\n") if line.startswith("+"))


def _shortened(text: str) -> str:
    one_line = " ".join(text.split())
    return repr(one_line if len(one_line) <= 80 else one_line[:77] + "...")
