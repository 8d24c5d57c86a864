"""The HTTP API, asked through HTTP: a real server on a real store."""

import httpx

from tests.integration.api_server import problem
from tests.recorded_store import CAUSE, QUOTE, TITLE
from tests.recorded_system import RecordedSystem


def test_an_incident_tells_its_root_cause_and_the_lines_that_prove_it(
    api: httpx.Client, system: RecordedSystem
) -> None:
    """One request holds diagnosis, evidence, remediation, investigation and mail."""
    incident = api.get(f"/api/v1/incidents/{system.story.diagnosed}").json()
    assert incident["title"] == TITLE
    assert incident["diagnosis"]["root_cause"] == CAUSE
    cited = incident["diagnosis"]["citations"][0]
    lines = {
        (e["record"]["source"], e["record"]["sequence"]): e["record"]["original"]
        for anomaly in incident["anomalies"]
        for e in anomaly["evidence"]
    }
    assert cited["quote"] == QUOTE
    assert QUOTE in lines[cited["source"], cited["sequence"]]
    assert incident["notifications"][0]["message_id"] == "<1@aiops.example>"


def test_the_beginning_of_an_id_is_enough(api: httpx.Client, system: RecordedSystem) -> None:
    """People type short ids."""
    whole = str(system.story.diagnosed)
    assert api.get(f"/api/v1/incidents/{whole[:8]}").json()["id"] == whole


def test_incidents_are_filtered_and_paged(api: httpx.Client, system: RecordedSystem) -> None:
    """Following the cursor gives every incident once; filters leave the others out."""
    first = api.get("/api/v1/incidents", params={"limit": 1}).json()
    second = api.get(
        "/api/v1/incidents", params={"limit": 1, "cursor": first["next_cursor"]}
    ).json()
    ids = {item["id"] for page in (first, second) for item in page["items"]}
    assert ids == {str(system.story.diagnosed), str(system.story.fresh)}
    assert second["next_cursor"] is None
    critical = api.get("/api/v1/incidents", params={"criticality": "critical"}).json()["items"]
    assert [item["id"] for item in critical] == [str(system.story.diagnosed)]


def test_the_audit_trail_leads_from_the_mail_back_to_the_bytes(
    api: httpx.Client, system: RecordedSystem
) -> None:
    """Walking causation ids from the delivered mail ends at the chunk and its source."""
    trail = api.get(f"/api/v1/incidents/{system.story.diagnosed}/audit").json()["events"]
    by_id = {entry["id"]: entry for entry in trail}
    step = next(entry for entry in trail if entry["event"] == "NotificationDelivered")
    walked = [step["event"]]
    while step["causation_id"]:
        step = by_id[step["causation_id"]]
        walked.append(step["event"])
    assert walked[-2:] == ["RecordsAppended", "SourceRegistered"]
    assert [e["position"] for e in trail] == sorted(e["position"] for e in trail)


def test_acknowledging_resolving_and_reopening_show_at_once(
    api: httpx.Client, system: RecordedSystem
) -> None:
    """A command's answer comes when the read model shows what it did."""
    path = f"/api/v1/incidents/{system.story.fresh}"
    for command, state in (
        ("acknowledge", "acknowledged"),
        ("resolve", "resolved"),
        ("reopen", "open"),
    ):
        answer = api.post(f"{path}/{command}", json={"by": "ada"}).json()
        assert (answer["state"], answer["visible"]) == (state, True)
        assert api.get(path).json()["state"] == state


def test_acknowledging_twice_changes_nothing(api: httpx.Client, system: RecordedSystem) -> None:
    """The second answer has no position: nothing was recorded."""
    path = f"/api/v1/incidents/{system.story.fresh}/acknowledge"
    assert api.post(path, json={"by": "ada"}).json()["position"] is not None
    assert api.post(path, json={"by": "bob"}).json()["position"] is None


def test_acknowledging_what_is_resolved_is_a_conflict(
    api: httpx.Client, system: RecordedSystem
) -> None:
    """409 says to reopen it first."""
    path = f"/api/v1/incidents/{system.story.fresh}"
    api.post(f"{path}/resolve", json={"note": "fixed"})
    assert "reopen" in problem(api.post(f"{path}/acknowledge", json={}), 409)["detail"]


def test_feedback_is_kept(api: httpx.Client, system: RecordedSystem) -> None:
    """A verdict shows on the incident, with who gave it."""
    path = f"/api/v1/incidents/{system.story.diagnosed}"
    verdict = {"by": "ada", "correct": False, "root_cause": "a runaway query"}
    assert api.post(f"{path}/feedback", json=verdict).status_code == 200
    assert api.get(path).json()["feedback"][0]["root_cause"] == "a runaway query"
