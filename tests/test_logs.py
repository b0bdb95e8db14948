"""repaircafe.logs: JSON lines with the documented fields, and without secrets."""

import json
import logging
from typing import Any

import pytest
import structlog
from flask import Flask

from repaircafe import logs
from repaircafe.environment import Environment
from repaircafe.logs import EventType, Redactor
from tests.harness.client import HTML

SECRET = 'p@ss "wörd"/7'
FIELDS = ["timestamp", "level", "message", "module", "function", *logs.FIELDS]


@pytest.fixture
def environment() -> Environment:
    """An environment with one secret."""
    return Environment(operator_password=SECRET)  # type: ignore[arg-type]


def written(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """The lines written since the last call. Each must be one JSON object."""
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_a_line_has_the_fields_in_order(environment: Environment, capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(environment)
    structlog.get_logger().info("Settings saved", event_type=EventType.CONFIG_CHANGED, keys=["event_date"])
    (line,) = written(capsys)
    assert list(line)[: len(FIELDS)] == FIELDS
    assert (line["level"], line["message"], line["event_type"]) == ("info", "Settings saved", "config_changed")
    assert (line["module"], line["function"]) == ("test_logs", "test_a_line_has_the_fields_in_order")
    assert line["timestamp"].endswith("Z")
    assert line["keys"] == ["event_date"]


def test_lines_of_libraries_have_the_same_fields(environment: Environment, capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(environment)
    logging.getLogger("somebody.elses").warning("A connection to %s failed", "there")
    (line,) = written(capsys)
    assert list(line)[: len(FIELDS)] == FIELDS
    assert (line["message"], line["event_type"]) == ("A connection to there failed", "library")


@pytest.mark.parametrize(
    "text",
    [
        SECRET,
        f"before {SECRET} after",
        repr(SECRET),
        json.dumps(SECRET),
        "p%40ss%20%22w%C3%B6rd%22/7",
        "p%40ss%20%22w%C3%B6rd%22%2F7",
        "p@ss &quot;wörd&quot;/7",
        "Basic b3BlcmF0b3I6cEBzcyAid8O2cmQiLzc=",
    ],
)
def test_a_secret_is_redacted_in_every_form(
    environment: Environment, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    logs.configure(environment)
    structlog.get_logger().info("Constant", place=text, deep={"list": [text, (text,)], text: 1}, thing=ValueError(text))
    logging.getLogger("sqlalchemy.engine").error("%s", text)
    out = capsys.readouterr().err
    assert text not in out
    assert "wörd" not in out
    assert out.count("[redacted]") >= 5


def test_a_traceback_contains_no_secret(environment: Environment, capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(environment)
    try:
        raise RuntimeError(f"postgresql://user:{SECRET}@host/db and postgresql://other:unknown-secret@host/db")
    except RuntimeError:
        structlog.get_logger().exception("Check failed", event_type=EventType.INTERNAL_ERROR)
    (line,) = written(capsys)
    assert "Traceback" in line["exception"]
    assert SECRET not in line["exception"]
    assert "unknown-secret" not in line["exception"], "the password of every URL is redacted"


def test_the_redactor_finds_a_secret_in_a_text() -> None:
    redactor = Redactor([SECRET])
    assert redactor.holds_secret(f"at {SECRET} street")
    assert not redactor.holds_secret("Dorpsstraat 1")
    assert not Redactor([]).holds_secret("anything")


def test_the_console_format_is_a_readable_line(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(Environment(log_format="console"))  # type: ignore[arg-type]
    structlog.get_logger().info("Database ready", attempt=3)
    out = capsys.readouterr().err
    assert out.endswith("info     Database ready  attempt=3\n")
    assert "{" not in out


def test_a_command_logs_only_errors(environment: Environment, capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(environment, quiet=True)
    structlog.get_logger().warning("Not for a command")
    structlog.get_logger().error("For a command")
    assert [line["message"] for line in written(capsys)] == ["For a command"]


def test_each_request_is_one_line_with_its_own_id(app: Flask, capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(Environment(log_level="DEBUG"))
    client = app.test_client()
    responses = [client.get(path) for path in ("/", "/health/live", "/nowhere?q=private", "/static/app.css")]
    for response in responses:
        response.close()
    lines = [line for line in written(capsys) if line["event_type"] == "request"]
    assert [line["path"] for line in lines] == ["/", "/health/live", "/nowhere", "/static/app.css"]
    assert [line["status"] for line in lines] == [200, 200, 404, 200]
    assert [line["request_id"] for line in lines] == [response.headers["X-Request-ID"] for response in responses]
    assert len({line["request_id"] for line in lines}) == 4


def test_polls_and_static_files_are_not_logged(app: Flask, capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(Environment())
    client = app.test_client()
    for path in ("/health", "/health/live", "/health/ready", "/banner", "/static/app.css", "/"):
        client.get(path).close()
    assert [line["path"] for line in written(capsys) if line["event_type"] == "request"] == ["/"]


def test_a_failure_has_the_same_id_on_the_page_and_in_the_log(app: Flask, capsys: pytest.CaptureFixture[str]) -> None:
    @app.get("/broken")
    def broken() -> str:
        raise RuntimeError("our own fault")

    logs.configure(Environment())
    response = app.test_client().get("/broken", headers=HTML)
    (failure,) = [line for line in written(capsys) if line["event_type"] == "internal_error"]
    assert response.status_code == 500
    assert failure["request_id"] in response.text
    assert "our own fault" in failure["exception"]
    assert "our own fault" not in response.text


@pytest.mark.parametrize(
    "text",
    [
        "p%40ss+%22w%C3%B6rd%22%2F7",
        "p%40ss%20%22w%c3%b6rd%22%2f7",
        ascii(SECRET),
        str(SECRET.encode()),
    ],
    ids=["form of a request's body", "lower-case percent encoding", "ascii()", "bytes"],
)
def test_a_secret_is_redacted_in_the_forms_of_http_libraries(
    environment: Environment, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    logs.configure(environment)
    logging.getLogger("somebody.elses").error("Sent %s", text)
    (line,) = written(capsys)
    assert text not in line["message"]
    assert "[redacted]" in line["message"]


def test_a_secret_is_also_redacted_in_the_names_of_fields(
    environment: Environment, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.configure(environment)
    structlog.get_logger().error("Constant", **{SECRET: 1})
    logging.getLogger("somebody.elses").error("Constant", extra={SECRET: 1})
    assert not [name for line in written(capsys) for name in line if SECRET in name]


def test_a_secret_is_redacted_in_the_message_and_the_cause_of_an_exception(
    environment: Environment, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.configure(environment)
    try:
        try:
            raise ValueError(SECRET)
        except ValueError as error:
            raise RuntimeError("outer") from error
    except RuntimeError:
        logging.getLogger("somebody.elses").exception(SECRET)
    (line,) = written(capsys)
    assert line["message"] == "[redacted]"
    assert "ValueError: [redacted]" in line["exception"]
    assert "RuntimeError: outer" in line["exception"]


def test_the_console_format_contains_no_secret_either(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(Environment(operator_password=SECRET, log_format="console"))  # type: ignore[arg-type]
    try:
        raise ValueError(SECRET)
    except ValueError:
        structlog.get_logger().exception("Check failed", place=SECRET)
    out = capsys.readouterr().err
    assert "place=[redacted]" in out
    assert "ValueError: [redacted]" in out
    assert SECRET not in out
