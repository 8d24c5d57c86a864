"""What does looking for secrets cost on lines that hold none? Run it as a module.

Prints microseconds per line for 100,000 mixed ordinary lines, handed over as the parser does it,
and the ratio to the patterns of the first version (45 words looked up in every line); then the
same with one line in a hundred holding a secret, and the figures of the corpus.
"""

import random
import sys
from collections.abc import Callable
from time import perf_counter

from domain.logs.parser import SLICE
from domain.logs.redaction import Redactor
from infrastructure.format_files import load_formats
from tests.corpus.lookalikes import lookalike_lines
from tests.corpus.measuring import measure
from tests.corpus.secrets import secret_lines

LINES = 100_000
WORDS = (
    "-----begin", "://", "authorization", "bearer", "basic", "cookie", "eyj", "akia", "asia",
    "abia", "acca", "aiza", "ya29.", "gh", "gl", "xox", "xapp-", "hooks.slack", "k_live_",
    "k_test_", "whsec_", "sk-", "hf_", "npm_", "pypi-", "sg.", "dapi", "hvs.", "_v1_", "shp",
    "v1.0-", "cfut_", "cfat_", "cfk_", "pass", "pwd", "secret", "token", "credential", "key",
    "signature", "sig", "api", "identified by",
)  # fmt: skip
"""What the first version looked up in every line once one line of a slice had it."""


def main() -> None:
    """Measure ordinary lines, lines with secrets among them, and what is found."""
    ordinary = _ordinary(LINES)
    least = _seconds(_looking_up_words, ordinary)
    redactor = Redactor(b"a store's key")
    plain = _seconds(redactor.redact_all, ordinary)
    secrets = [line.text for line in secret_lines()]
    mixed = [
        secrets[n // 100 % len(secrets)] if n % 100 == 0 else text
        for n, text in enumerate(ordinary)
    ]
    some = _seconds(redactor.redact_all, mixed)
    sys.stdout.write(
        f"ordinary lines   {plain / LINES * 1e6:6.2f} us/line, {plain / least:.2f} times the time "
        f"of looking up {len(WORDS)} words in each line ({least / LINES * 1e6:.2f})\n"
        f"1 secret in 100  {some / LINES * 1e6:6.2f} us/line, {some / plain:.2f} times ordinary\n"
        f"{measure(redactor.redact_all).table().splitlines()[-1]}\n"
    )


def _ordinary(count: int) -> list[str]:
    """Sample lines of all formats and look-alikes, none of which holds a secret."""
    samples = [line for item in load_formats().formats for sample in item.samples
               for line in sample.line.split("\n")]  # fmt: skip
    chance = random.Random(1)
    both = samples * 10 + [text for _, text in lookalike_lines(1_000)]
    return [chance.choice(both) for _ in range(count)]


def _looking_up_words(texts: list[str]) -> list[str]:
    joined = "\n".join(texts).lower()
    found = [word for word in WORDS if word in joined]
    return [text for text in texts if sum(word in text.lower() for word in found) > len(found)]


def _seconds(redact_all: Callable[[list[str]], list[str]], texts: list[str]) -> float:
    best = float("inf")
    for _ in range(3):
        started = perf_counter()
        for at in range(0, len(texts), SLICE):
            redact_all(texts[at : at + SLICE])
        best = min(best, perf_counter() - started)
    return best


if __name__ == "__main__":
    main()
