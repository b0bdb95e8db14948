"""What the tests of downloads share."""

import shutil
from typing import NamedTuple

import pytest
from flask import Flask


class _Usage(NamedTuple):
    free: int


def install(app: Flask, endpoint: str) -> None:
    """Saves where the model's server is."""
    assert app.test_client().post("/config", json={"llm_endpoint": endpoint}).status_code == 200


def room(monkeypatch: pytest.MonkeyPatch, free: int) -> None:
    """Makes the disk have so many bytes free."""
    monkeypatch.setattr(shutil, "disk_usage", lambda _: _Usage(free))


def layer(digest: str, completed: int, total: int) -> dict[str, object]:
    """A line of a download."""
    return {"status": f"pulling {digest}", "digest": f"sha256:{digest}", "total": total, "completed": completed}
