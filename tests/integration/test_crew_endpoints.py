"""The crew engine against endpoints that are broken, slow or silent."""

import json
import socket
import time
from pathlib import Path
from typing import Any

import pytest

from application.ports import StepAbandoned
from domain.investigations.diagnosis import (
    Context,
    Diagnosis,
)
from domain.investigations.gate import objections_to
from infrastructure.agents.crew.engine import CrewEngine
from infrastructure.agents.crew.settings import ModelSettings
from tests.integration.crew_scenes import (
    GENEROUS,
    GOOD_DIAGNOSIS,
    REFUSED,
    Notebook,
    a_case,
    a_diagnosis,
    abandoned,
    an_engine,
    diagnose,
)
from tests.integration.model_server import (
    Reply,
    breaks_off,
    drips,
    drips_its_head,
    hangs,
    refuses,
    says,
    serving,
)


@pytest.mark.parametrize(
    "text",
    [
        "Here it is:\n```json\n" + json.dumps(GOOD_DIAGNOSIS, indent=1) + "\n```\nAnything else?",
        json.dumps(GOOD_DIAGNOSIS).replace("]}]}", "],}],}"),
        "<think>maybe {this}?</think>" + json.dumps(GOOD_DIAGNOSIS),
        repr(GOOD_DIAGNOSIS),
        json.dumps(GOOD_DIAGNOSIS)[:-2],
    ],
    ids=["fenced", "trailing commas", "thinking aloud", "python literal", "brackets missing"],
)
def test_near_json_is_read(notebook: Notebook, tmp_path: Path, text: str) -> None:
    """What small models wrap around JSON costs no try."""
    assert diagnose(notebook, tmp_path, says(text)).service == "db"
    assert len(notebook.calls) == 1


def test_a_malformed_answer_is_told_to_the_model_and_tried_again(
    notebook: Notebook, tmp_path: Path
) -> None:
    """The second request says what was wrong with the first answer."""
    diagnosis = diagnose(notebook, tmp_path, says("I think it is DNS."), says(GOOD_DIAGNOSIS))
    assert diagnosis.service == "db"
    assert [call["attempt"] for call in notebook.calls] == [1, 2]
    assert "no JSON object" in notebook.calls[1]["messages"][-1]["content"]


def test_wrong_answers_are_given_up_after_three_tries(notebook: Notebook, tmp_path: Path) -> None:
    """A class outside the vocabulary is no answer, however often it is repeated."""
    wrong = json.loads(json.dumps(GOOD_DIAGNOSIS))
    wrong["hypotheses"][0]["error_class"] = "gremlins"
    reason = abandoned(notebook, tmp_path, says(wrong))
    assert "could not be used after 3 tries" in reason
    assert "error_class" in reason
    assert len(notebook.calls) == 3


def test_a_busy_endpoint_is_asked_again_after_the_time_it_names(
    notebook: Notebook, tmp_path: Path
) -> None:
    """429 with Retry-After: the pause is at least that long."""
    started = time.monotonic()
    diagnose(
        notebook, tmp_path, refuses(429, "too many requests", retry_after="1"), says(GOOD_DIAGNOSIS)
    )
    assert time.monotonic() - started >= 1
    assert "status 429" in notebook.calls[0]["error"]
    assert len(notebook.calls) == 2


def test_a_retry_after_beyond_the_limit_ends_the_step_at_once(
    notebook: Notebook, tmp_path: Path
) -> None:
    """Waiting longer than there is time would only delay the fallback."""
    started = time.monotonic()
    reason = abandoned(notebook, tmp_path, refuses(429, retry_after="3600"))
    assert "429" in reason
    assert time.monotonic() - started < GENEROUS


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (refuses(500, "out of memory"), "status 500"),
        (breaks_off, "could not be reached"),
        (lambda handler, _: handler.send(200, "<html>hello</html>"), "no chat completion"),
        (lambda handler, _: handler.send(200, '{"choices": []}'), "no chat completion"),
    ],
    ids=["500", "truncated", "html", "no choices"],
)
def test_a_broken_endpoint_gets_three_tries(
    notebook: Notebook, tmp_path: Path, reply: Reply, words: str
) -> None:
    """Each failed call is recorded with its error."""
    reason = abandoned(notebook, tmp_path, reply)
    assert words in reason
    assert [call["attempt"] for call in notebook.calls] == [1, 2, 3]
    assert all(words in call["error"] for call in notebook.calls)


def test_a_wrong_key_is_not_tried_again(notebook: Notebook, tmp_path: Path) -> None:
    """Another try with the same key cannot help."""
    assert "401" in abandoned(notebook, tmp_path, refuses(401, "invalid api key"))
    assert len(notebook.calls) == 1


def test_an_endpoint_without_tools_is_asked_without_them(
    notebook: Notebook, tmp_path: Path
) -> None:
    """Servers that refuse `tools` or JSON mode still serve."""

    def picky(handler: Any, request: dict[str, Any]) -> None:
        extras = "tools" in request or "response_format" in request
        (refuses(400, "tools are not supported") if extras else says(GOOD_DIAGNOSIS))(
            handler, request
        )

    assert diagnose(notebook, tmp_path, picky).service == "db"
    assert len(notebook.calls) == 2


@pytest.mark.parametrize("reply", [hangs, drips, drips_its_head])
def test_the_limit_holds_against_a_server_that_never_finishes(
    notebook: Notebook, tmp_path: Path, reply: Reply
) -> None:
    """Hanging and dripping servers end in a marked failure, the call itself cancelled."""
    started = time.monotonic()
    reason = abandoned(notebook, tmp_path, reply, limit=2.0)
    assert time.monotonic() - started < GENEROUS
    assert "gave no answer" in reason
    # On a very slow machine the time may be up before the call is made.
    assert all("did not finish its answer" in call["error"] for call in notebook.calls)


def test_a_refused_connection_is_a_plain_reason(notebook: Notebook, tmp_path: Path) -> None:
    """Nobody listens: said so, with the address."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/v1"
    with pytest.raises(StepAbandoned, match="could not be reached") as error:
        an_engine(url, tmp_path).fix(a_case(REFUSED), Context(services=[]), a_diagnosis(), notebook)
    assert url in error.value.reason
    assert len(notebook.calls) == 3


def test_the_circuit_opens_after_failures_in_a_row_and_closes_on_recovery(
    notebook: Notebook, tmp_path: Path
) -> None:
    """While open nothing is sent; the first call after the pause closes it."""
    case, context = a_case(REFUSED), Context(services=["shop"])
    with serving(refuses(503), refuses(503), says(GOOD_DIAGNOSIS)) as server:
        engine = an_engine(server.url, tmp_path, breaker_failures=2, breaker_seconds=600.0)
        with pytest.raises(StepAbandoned, match="left alone for 600 s"):
            engine.diagnose(case, context, notebook, notebook)
        assert notebook.circuit == ["opened after 2"]
        with pytest.raises(StepAbandoned, match="not asked for now"):
            engine.diagnose(case, context, notebook, notebook)
        assert len(server.requests) == 2
        engine._circuit._breaker.reset_timeout = 0.0  # ten minutes later
        engine.diagnose(case, context, notebook, notebook)
    assert notebook.circuit == ["opened after 2", "closed"]


def test_a_candidate_of_the_rules_can_be_chosen_by_its_number(
    notebook: Notebook, tmp_path: Path
) -> None:
    """A small model need not repeat what the rules said: the candidate's texts and proofs stand."""

    class Rules(CrewEngine):
        """An advisor that says always the same."""

        def diagnose(self, *_: Any, **__: Any) -> Diagnosis:
            return a_diagnosis()

    with serving(
        says({"criticality": "high", "hypotheses": [{"candidate": 1, "confidence": 0.7}]})
    ) as server:
        settings = ModelSettings(model="openai/s", base_url=server.url, storage=tmp_path)
        engine = CrewEngine(settings, advisor=Rules(settings))
        diagnosis = engine.diagnose(a_case(REFUSED), Context(services=["shop"]), notebook, notebook)
    assert diagnosis.root_cause == a_diagnosis().root_cause
    assert diagnosis.confidence == 0.7
    assert objections_to(diagnosis, {REFUSED.ref: REFUSED}) == []
