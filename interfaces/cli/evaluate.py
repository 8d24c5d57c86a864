"""`aiops eval`: how right the diagnoses are on labelled cases of one's own."""

from pathlib import Path

from application.evaluating import CaseResult, Evaluation, Share, evaluate
from interfaces.cli.diagnose import diagnose
from interfaces.cli.terminal import console, print_json, safe, say


def run(directory: Path, *, verbose: bool, as_json: bool) -> None:
    """Run the cases and print the figures."""
    progress = (lambda _: None) if as_json else (lambda name: say(f"running {name}"))
    evaluation = evaluate(directory, diagnose, progress)
    if as_json:
        print_json(evaluation)
    else:
        _print(evaluation, verbose=verbose)


def _print(evaluation: Evaluation, *, verbose: bool) -> None:
    out = console()
    for name, share in (
        ("detection", evaluation.detection),
        ("root cause", evaluation.root_cause),
        ("error class", evaluation.error_class),
        ("culprit service", evaluation.service),
        ("false alarms", evaluation.false_alarms),
        ("grounded quotes", evaluation.grounded),
    ):
        out.print(f"{name:<16} {_told(share)}")
    if not verbose:
        return
    out.print("\nroot cause by class")
    for name, share in evaluation.per_class.items():
        out.print(f"  {name:<22} {_told(share)}")
    out.print("\ncases")
    for case in evaluation.per_case:
        out.print(f"  {_mark(case)}  {case.id:<32} {safe(case.said)[:160]}")


def _told(share: Share) -> str:
    if share.of == 0:
        return "none"
    return f"{share.right} of {share.of} = {share.share:.1%} ({share.low:.1%} to {share.high:.1%})"


def _mark(case: CaseResult) -> str:
    """R root cause, C class, S service; A a false alarm; a dot where it is wrong."""
    if case.root_cause is None:
        return "ok " if not case.false_alarms else "A  "
    marks = (("R", case.root_cause), ("C", case.error_class), ("S", case.service))
    return "".join(letter if right else "." for letter, right in marks)
