"""The recorded cases are what their labels say, and the set-aside third was drawn, not chosen."""

import hashlib
import json
from pathlib import Path

import pytest

from domain.knowledge.vocabulary import ErrorClass

LAB = Path(__file__).resolve().parents[1] / "faultlab"
FOLDERS = sorted(p for part in ("cases", "set_aside") for p in (LAB / part).iterdir())


@pytest.fixture(params=FOLDERS, ids=lambda folder: folder.name)
def folder(request):
    return request.param


def test_a_case_lies_where_the_hash_of_its_name_puts_it(folder):
    """A third, by the first byte of the name's SHA-256; so no case can be moved when it is hard."""
    drawn = hashlib.sha256(folder.name.encode()).digest()[0] % 3 == 0
    assert folder.parent.name == ("set_aside" if drawn else "cases")


def test_the_logs_of_a_case_hold_what_its_label_calls_evidence(folder):
    """Every proving substring of every fault stands in a log of its case."""
    label = json.loads((folder / "label.json").read_text())
    text = "\n".join(log.read_text() for log in folder.glob("log*.txt"))
    proofs = label["evidence_substrings"] + label.get("also", {}).get("evidence_substrings", [])
    assert text.strip()
    assert [proof for proof in proofs if proof not in text] == []


def test_a_label_speaks_the_vocabulary_of_error_classes(folder):
    """Classes are those of the product; a fault names its service and words to look for."""
    label = json.loads((folder / "label.json").read_text())
    classes = {*map(str, ErrorClass), "none"}
    assert label["id"] == folder.name
    assert {label["category"], *label.get("category_also", [])} <= classes
    if label["category"] == "none":
        assert not label["evidence_substrings"]
    else:
        assert label["service"]
        assert label["evidence_substrings"]
        assert all(label["must_mention_any"])


def test_a_case_is_small(folder):
    """Under 400 lines and 60 KB together."""
    texts = [log.read_bytes() for log in folder.glob("log*.txt")]
    assert sum(text.count(b"\n") for text in texts) < 400
    assert sum(map(len, texts)) < 60_000
