"""The lines loggers put around a message."""

# ruff: noqa: E501 - a line of a log reads better unbroken

import random
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Envelope:
    """One format of lines. escapes: the message is escaped as in a JSON string."""

    head: Callable[[random.Random], str]
    tail: str = ""
    escapes: bool = False

    def around(self, message: str, chance: random.Random) -> str:
        """The whole line."""
        return f"{self.head(chance)}{message}{self.tail}"


def _clock(chance: random.Random) -> str:
    return f"{chance.randint(0, 23):02}:{chance.randint(0, 59):02}:{chance.randint(0, 59):02}"


def _day(chance: random.Random) -> str:
    return f"2026-{chance.randint(1, 12):02}-{chance.randint(1, 28):02}"


def _level(chance: random.Random) -> str:
    return chance.choice(("INFO", "WARN", "ERROR", "DEBUG"))


def _span(chance: random.Random) -> str:
    return f"{chance.getrandbits(64):016x}"


ENVELOPES = (
    Envelope(lambda r: f"{_day(r)} {_clock(r)},{r.randint(0, 999):03} {_level(r)} app.db: "),
    Envelope(lambda r: f"{_day(r)}T{_clock(r)}.{r.randint(0, 999):03}Z {_level(r)} [{_span(r)}] "),
    Envelope(lambda r: f"Nov {r.randint(1, 28):2} {_clock(r)} host-{r.randint(1, 9)} app[7]: "),
    Envelope(lambda r: f"<13>1 {_day(r)}T{_clock(r)}Z host app 77 - - "),
    Envelope(lambda r: f'{{"ts":"{_day(r)}T{_clock(r)}Z","level":"info","msg":"', '"}', escapes=True),
    Envelope(lambda r: f'{{"log":"{_day(r)} {_level(r)} ', '\\n","stream":"stdout"}', escapes=True),
    Envelope(lambda r: f"{_day(r)} {_clock(r)}.123 UTC [{r.randint(100, 9999)}] app@shop LOG:  "),
    Envelope(lambda r: f"{_day(r)} {_clock(r)} [main] {_level(r)} c.e.shop.Client - "),
    Envelope(lambda r: f'level=info ts={_day(r)}T{_clock(r)}Z trace={_span(r)} msg="', '"', escapes=True),
    Envelope(lambda r: f"I1123 {_clock(r)}.000123       1 controller.go:{r.randint(10, 900)}] "),
    Envelope(lambda r: f"{_day(r)}T{_clock(r)}.000000001Z stderr F "),
    Envelope(lambda _: ""),
)  # fmt: skip
