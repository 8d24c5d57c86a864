"""The crew engine against a real HTTP server: good, broken, slow and obedient models."""

import json
from pathlib import Path

import pytest

from domain.investigations.gate import objections_to
from domain.knowledge.vocabulary import ErrorClass
from tests.integration.crew_scenes import (
    GOOD_DIAGNOSIS,
    REFUSED,
    SHUT_DOWN,
    Notebook,
    a_case,
    an_engine,
    diagnose,
)
from tests.integration.model_server import (
    calls_tool,
    says,
    serving,
)


def test_a_good_answer_becomes_a_diagnosis_that_passes_the_gate(
    notebook: Notebook, tmp_path: Path
) -> None:
    """Hypotheses are ordered, citations get the physical line the quote stands on."""
    diagnosis = diagnose(notebook, tmp_path, says(GOOD_DIAGNOSIS))
    assert diagnosis.root_cause == "db on port 5432 does not accept connections"
    assert diagnosis.error_class is ErrorClass.CONNECTION_REFUSED
    assert diagnosis.confidence == 0.8
    assert diagnosis.citations[0].line == 11
    assert objections_to(diagnosis, {REFUSED.ref: REFUSED}) == []


def test_every_call_is_recorded_with_all_that_was_sent_and_answered(
    notebook: Notebook, tmp_path: Path
) -> None:
    """Messages, raw body, tokens, cost, try and prompt version go into the journal."""
    prices = {"usd_per_million_input_tokens": 10.0, "usd_per_million_output_tokens": 50.0}
    diagnose(notebook, tmp_path, says(GOOD_DIAGNOSIS), **prices)
    (call,) = notebook.calls
    assert call["model"] == "openai/scripted"
    assert call["prompt_version"].startswith("diagnosis@1-")
    assert [m["role"] for m in call["messages"]] == ["system", "user"]
    assert "Connection refused" in call["messages"][1]["content"]
    assert json.loads(call["answer"])["choices"][0]["message"]["content"]
    assert (call["input_tokens"], call["output_tokens"]) == (100, 20)
    assert call["cost_usd"] == pytest.approx(0.002)
    assert (call["attempt"], call["error"]) == (1, "")


def test_the_four_steps_run_one_after_another_on_the_same_engine(
    notebook: Notebook, tmp_path: Path
) -> None:
    """Each step gets what the former ones found."""
    replies = (
        says(
            {
                "timeline": [
                    {"ref": "shop.log#1", "quote": "Connection refused", "what": "refused"}
                ],
                "dependencies": [{"caller": "shop", "callee": "db", "reason": "connects"}],
            }
        ),
        says(GOOD_DIAGNOSIS),
        says(
            {
                "summary": "Start db",
                "mitigation": "systemctl start postgresql",
                "patches": [
                    {"path": "c.yml", "diff": "--- a/c.yml\n+++ b/c.yml\n@@ -1,9 +1,9 @@\n-a\n+b"}
                ],
            }
        ),
        says(
            {
                "subject": "db is down",
                "summary": "db was stopped.",
                "what_happened": ["shop could not connect", "orders failed"],
                "why": "db was down",
                "what_to_do": "start db",
            }
        ),
    )
    case, known = a_case(REFUSED), {REFUSED.ref: REFUSED}
    with serving(*replies) as server:
        engine = an_engine(server.url, tmp_path)
        context = engine.gather(case, notebook, notebook)
        diagnosis = engine.diagnose(case, context, notebook, notebook)
        remediation = engine.fix(case, context, diagnosis, notebook)
        report = engine.report(case, context, diagnosis, remediation, notebook)
        asked = [request["messages"][-1]["content"] for request in server.requests]
    assert context.timeline[0].time == REFUSED.time
    assert context.similar[0].confirmed
    assert "db stopped last May" in asked[1]
    assert "shop depends on db" in asked[1]
    assert "db on port 5432" in asked[2]
    assert "systemctl start postgresql" in asked[3]
    assert report.what_happened == "shop could not connect\norders failed"
    assert report.citations == diagnosis.citations
    for output in (context, diagnosis, remediation, report):
        assert objections_to(output, known) == []


def test_the_agent_may_look_records_up_and_cite_them(notebook: Notebook, tmp_path: Path) -> None:
    """A tool call of the model is run, its result goes back, what it showed may be cited."""
    answer = {
        "criticality": "critical",
        "hypotheses": [
            {
                "root_cause": "db was shut down",
                "error_class": "dependency_down",
                "service": "db",
                "confidence": 0.9,
                "citations": [{"ref": "[db.log#2]", "quote": "fast  shutdown request"}],
            }
        ],
    }
    replies = (calls_tool("search_records", {"text": "shutdown"}), says(answer))
    diagnosis = diagnose(notebook, tmp_path, *replies)
    assert notebook.searched == ["shutdown"]
    assert diagnosis.citations[0].quote == "fast shutdown request"
    assert objections_to(diagnosis, {SHUT_DOWN.ref: SHUT_DOWN}) == []
    assert len(notebook.calls) == 2
    assert "received fast shutdown request" in str(notebook.calls[1]["messages"][-1]["content"])
