"""`make test-llm AT=… MODEL=…`: the same tests with a server that runs already, Ollama or one with OpenAI's API."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from repaircafe.environment import PROJECT
from tests.fakes.ollama_in_front import OllamaInFront
from tests.llm.conftest import LEFT_OUT, MODEL, LlamaServer

pytestmark = pytest.mark.llm

SHORT = "test_real_server.py", "test_real_model.py", "test_chat.py"
LONG_TESTS = "of_ten"
"""The tests with ten replies or more take a minute, and are the same requests again."""


@pytest.fixture(params=["OpenAI", "Ollama"])
def endpoint(request: pytest.FixtureRequest, llama: LlamaServer) -> Iterator[str]:
    """The address of our server, or of an Ollama in front of it."""
    with ExitStack() as running:
        is_ollama = request.param == "Ollama"
        yield running.enter_context(OllamaInFront(llama.url)).url if is_ollama else llama.url


def test_the_tests_run_with_a_server_that_runs_already(endpoint: str) -> None:
    files = [str(PROJECT / "tests" / "llm" / name) for name in SHORT]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *files, "-m", "llm", "-k", f"not {LONG_TESTS}", "-p", "no:cacheprovider"],
        env={**os.environ, "LLM_TEST_AT": endpoint, "LLM_TEST_MODEL": MODEL},
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr
    passed = re.search(r"(\d+) passed, (\d+) skipped", done.stdout)
    assert passed, done.stdout[-1000:]
    assert int(passed[1]) >= 6, "each test that no server has to be started or starved for"
    assert int(passed[2]) >= 7
    assert set(re.findall(r"^SKIPPED .*: (left out.*)$", done.stdout, re.M)) == {LEFT_OUT}
