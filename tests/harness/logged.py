"""What the app has written into its log, in the tests' own process."""

from typing import Any

import pytest


def lines_of(caplog: pytest.LogCaptureFixture, event_type: str) -> list[dict[str, Any]]:
    """The lines of one kind, as they are rendered, with request and user."""
    lines = [one.msg for one in caplog.records if isinstance(one.msg, dict)]
    return [line for line in lines if line["event_type"] == event_type]
