"""The JSON of `/health` and of a test."""

from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from repaircafe.app import register_words
from repaircafe.health import schemas
from repaircafe.neighbours.explanations import explain
from repaircafe.neighbours.report import Neighbour, Reason, Report, Step, StepName


@pytest.fixture(autouse=True)
def _words() -> None:
    """Registers the sentences, as create_app does."""
    register_words()


def shown(report: Report) -> dict[str, Any]:
    """The report's entry in `/health`."""
    return schemas._service_health(report, "en").model_dump(mode="json")


def test_a_test_has_an_entry_for_each_step() -> None:
    good, bad = Step(StepName.NAME, "127.0.0.1"), Step(StepName.SERVER, "HTTP 500", Reason.HTTP_ERROR)
    assert schemas.TestReport.of(Report(Neighbour.LLM, (good, bad), 1.0)).model_dump(mode="json")["steps"] == [
        {"step": "name", "ok": True, "detail": "127.0.0.1", "reason": None},
        {"step": "server", "ok": False, "detail": "HTTP 500", "reason": "http_error"},
    ]


def test_the_entry_in_health_holds_plain_text_and_numbers() -> None:
    when = datetime(2026, 12, 5, 14, 0, tzinfo=UTC)
    bad = Step(StepName.NAME, "no such name", Reason.DNS)
    assert shown(Report(Neighbour.LLM, (bad,), 12.345, when)) == {
        "service": "llm",
        "status": "unreachable",
        "reason": "dns",
        "sentence": str(explain(Neighbour.LLM, Reason.DNS).sentence),
        "cure": str(explain(Neighbour.LLM, Reason.DNS).cure),
        "detail": "no such name",
        "latency_ms": 12.3,
        "checked_at": "2026-12-05T14:00:00+00:00",
    }
    good = shown(Report(Neighbour.LLM, (Step(StepName.NAME, "127.0.0.1"),), 1.0, when))
    assert (good["status"], good["reason"], good["detail"]) == ("ok", None, "127.0.0.1")
    assert (good["sentence"], good["cure"]) == (None, None)
    assert Report(Neighbour.LLM, (), 1.0).detail == ""


@pytest.mark.parametrize(("header", "language"), [(None, "en"), ("de", "de"), ("nl-NL,nl;q=0.9", "nl"), ("xx", "en")])
def test_sentence_and_cure_are_in_the_readers_language(
    app: Flask, client: FlaskClient, header: str | None, language: str
) -> None:
    headers = {"Accept-Language": header} if header else {}
    with app.test_request_context(headers={"Accept-Language": language}):
        said = explain(Neighbour.LLM, Reason.NOT_SET)
        wanted = str(said.sentence), str(said.cure)
    for _ in range(2):  # the second one finds the same report
        (found,) = [
            one for one in client.get("/health", headers=headers).get_json()["services"] if one["service"] == "llm"
        ]
        assert (found["reason"], found["sentence"], found["cure"]) == ("not_set", *wanted)
    tested = client.post("/config/test/llm", json={}, headers=headers).get_json()
    assert (tested["reason"], tested["sentence"], tested["cure"]) == ("not_set", *wanted)
