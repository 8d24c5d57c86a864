"""How much of the corpus a redactor finds and how much else it touches."""

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.corpus.lookalikes import lookalike_lines
from tests.corpus.secrets import SecretLine, secret_lines

PIECE = 8
"""Characters of a secret in a row that must not remain."""


PLACEHOLDER = re.compile(r"\[REDACTED:\w{1,40}(?::[0-9a-f]{6})?\]")


@dataclass
class Measured:
    """Counts by kind, and the lines to look at."""

    members: Counter[str] = field(default_factory=Counter)
    found: Counter[str] = field(default_factory=Counter)
    spoiled: Counter[str] = field(default_factory=Counter)
    lookalikes: Counter[str] = field(default_factory=Counter)
    touched: Counter[str] = field(default_factory=Counter)
    escaped: list[tuple[SecretLine, str]] = field(default_factory=list)
    mistaken: list[tuple[str, str, str]] = field(default_factory=list)

    @property
    def recall(self) -> float:
        """Secrets of which nothing readable remains, of all secrets."""
        return self.found.total() / self.members.total()

    @property
    def precision(self) -> float:
        """Rightly changed lines, of all that were changed; a line changed too far is wrong."""
        right = self.found.total() - self.spoiled.total()
        return right / (self.found.total() + self.touched.total())

    def table(self) -> str:
        """Recall by kind, look-alikes by kind, both overall."""
        rows = [f"{kind:32} recall {self.found[kind] / n:5.3f} of {n:4}, too much in "
                f"{self.spoiled[kind]}" for kind, n in sorted(self.members.items())]  # fmt: skip
        rows += [f"{kind:32} kept   {1 - self.touched[kind] / n:5.3f} of {n:4}"
                 for kind, n in sorted(self.lookalikes.items())]  # fmt: skip
        rows.append(
            f"overall: recall {self.recall:.4f} of {self.members.total()} secrets, precision "
            f"{self.precision:.4f} with {self.lookalikes.total()} look-alikes"
        )
        return "\n".join(rows)


def measure(redact_all: Callable[[list[str]], list[str]], seed: int = 1) -> Measured:
    """Redact the whole corpus of a seed and count."""
    measured = Measured()
    secrets = secret_lines(seed)
    for line, after in zip(secrets, redact_all([one.text for one in secrets]), strict=True):
        measured.members[line.kind] += 1
        if _remains(line, after):
            measured.escaped.append((line, after))
            continue
        measured.found[line.kind] += 1
        if not (
            after.startswith(line.text[: line.start]) and after.endswith(line.text[line.end :])
        ):
            measured.spoiled[line.kind] += 1
            measured.mistaken.append((line.kind, line.text, after))
    harmless = lookalike_lines(seed=seed + 1)
    for (kind, text), after in zip(harmless, redact_all([t for _, t in harmless]), strict=True):
        measured.lookalikes[kind] += 1
        if after != text:
            measured.touched[kind] += 1
            measured.mistaken.append((kind, text, after))
    return measured


def _remains(line: SecretLine, after: str) -> bool:
    secret, after = line.secret, PLACEHOLDER.sub("\0", after)
    around = line.text[: line.start] + "\0" + line.text[line.end :]
    pieces = {secret[i : i + PIECE] for i in range(max(1, len(secret) - PIECE + 1))}
    return any(piece in after and piece not in around for piece in pieces)
