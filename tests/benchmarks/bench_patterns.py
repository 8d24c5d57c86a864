"""Grouping accuracy and speed of the pattern miner, beside Drain3's where it is installed.

    python -m tests.benchmarks.bench_patterns FOLDER [--groups]

FOLDER holds one folder a data set with `content.txt` (a message a line) and `groups.txt` (the
true group of each line), as the Loghub samples do (Zhu et al., ISSRE 2023). Grouping accuracy
is the share of lines whose predicted group holds exactly the lines of their true group.
"""

import argparse
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path

from domain.patterns.miner import Miner

ROUNDS = 10


def grouping(truth: Sequence[str], guess: Sequence[object]) -> float:
    """Share of lines grouped exactly as in truth."""
    true_groups: dict[str, set[int]] = defaultdict(set)
    found_groups: dict[object, set[int]] = defaultdict(set)
    for line, (expected, found) in enumerate(zip(truth, guess, strict=True)):
        true_groups[expected].add(line)
        found_groups[found].add(line)
    exact = {frozenset(lines) for lines in true_groups.values()}
    return sum(len(g) for g in found_groups.values() if frozenset(g) in exact) / len(truth)


def say(line: str) -> None:
    """Print a line of the report."""
    sys.stdout.write(f"{line}\n")


def read(folder: Path) -> tuple[list[str], list[str]]:
    """Messages and their true groups."""
    groups = (folder / "groups.txt").read_text().splitlines()
    return (folder / "content.txt").read_text().split("\n")[: len(groups)], groups


def drain() -> Callable[[list[str]], tuple[list[object], float, float]] | None:
    """Drain3 with its usual masks, or None where it is not installed."""
    try:
        from drain3 import TemplateMiner
        from drain3.masking import MaskingInstruction
        from drain3.template_miner_config import TemplateMinerConfig
    except ImportError:
        return None
    ends = r"(?<![A-Za-z0-9])", r"(?![A-Za-z0-9])"
    masks = [r"\d{1,3}(?:\.\d{1,3}){3}", r"0x[a-f0-9A-F]+", r"[-+]?\d+"]

    def run(lines: list[str]) -> tuple[list[object], float, float]:
        config = TemplateMinerConfig()
        config.masking_instructions = [
            MaskingInstruction(f"{ends[0]}{m}{ends[1]}", n)
            for m, n in zip(masks, ("IP", "HEX", "NUM"), strict=True)
        ]
        miner = TemplateMiner(config=config)
        begin = time.perf_counter()
        guess = [miner.add_log_message(line)["cluster_id"] for line in lines]
        cold = time.perf_counter() - begin
        begin = time.perf_counter()
        for line in lines:
            miner.add_log_message(line)
        return guess, cold, time.perf_counter() - begin

    return run


def main() -> None:
    options = argparse.ArgumentParser(description="Grade the pattern miner.")
    options.add_argument("folder", type=Path)
    options.add_argument("--groups", action="store_true", help="print wrong groups")
    chosen = options.parse_args()
    baseline = drain()
    totals: dict[str, list[float]] = defaultdict(list)
    for folder in sorted(p.parent for p in chosen.folder.glob("*/content.txt")):
        lines, truth = read(folder)
        miner = Miner()
        begin = time.perf_counter()
        ids = [miner.assign(line).pattern_id for line in lines]
        cold = time.perf_counter() - begin
        begin = time.perf_counter()
        for _ in range(ROUNDS):
            for line in lines:
                miner.assign(line)
        warm = (time.perf_counter() - begin) / ROUNDS
        guess = [miner.current(i) for i in ids]
        row = {"accuracy": grouping(truth, guess), "cold s": cold, "warm s": warm}
        if baseline:
            drained, *seconds = baseline(lines)
            row |= {"drain3": grouping(truth, drained)}
            row |= {"drain3 cold s": seconds[0], "drain3 warm s": seconds[1]}
        for name, value in row.items():
            totals[name].append(value)
        totals["lines"].append(len(lines))
        theirs = (
            f"; drain3 {row['drain3']:.3f} {len(lines) / seconds[1]:,.0f}/s" if baseline else ""
        )
        say(
            f"{folder.name:12s} accuracy {row['accuracy']:.3f}"
            f" patterns {len(miner)} of {len(set(truth))},"
            f" lines/s cold {len(lines) / cold:,.0f} warm {len(lines) / warm:,.0f}{theirs}"
        )
        if chosen.groups:
            wrong(lines, truth, guess, miner.templates())
    report(totals)


def wrong(lines: list[str], truth: list[str], guess: list[str], templates: dict[str, str]) -> None:
    """Print each true group that was split or mixed, largest first."""
    found: dict[str, set[str]] = defaultdict(set)
    mixed: dict[str, set[str]] = defaultdict(set)
    size: dict[str, int] = defaultdict(int)
    for expected, got in zip(truth, guess, strict=True):
        found[expected].add(got)
        mixed[got].add(expected)
        size[expected] += 1
    for group in sorted(found, key=lambda g: -size[g]):
        others = set().union(*(mixed[g] for g in found[group])) - {group}
        if len(found[group]) > 1 or others:
            say(f"  {group} ({size[group]} lines) in {len(found[group])} patterns, with {others}")
            for pattern in sorted(found[group], key=lambda p: templates[p])[:6]:
                say(f"      {templates[pattern][:220]}")


def report(totals: dict[str, list[float]]) -> None:
    """Means and ratios over all data sets."""
    count = sum(totals["lines"])
    cold, warm = sum(totals["cold s"]), sum(totals["warm s"])
    say(f"mean grouping accuracy {sum(totals['accuracy']) / len(totals['accuracy']):.3f}")
    say(f"lines/s cold {count / cold:,.0f} warm {count / warm:,.0f}")
    if totals["drain3"]:
        theirs = sum(totals["drain3 cold s"]), sum(totals["drain3 warm s"])
        mean = sum(totals["drain3"]) / len(totals["drain3"])
        say(f"drain3 with masks: mean grouping accuracy {mean:.3f},")
        say(f"lines/s cold {count / theirs[0]:,.0f} warm {count / theirs[1]:,.0f}")
        say(f"times faster: cold {theirs[0] / cold:.1f}, warm {theirs[1] / warm:.1f}")


if __name__ == "__main__":
    main()
