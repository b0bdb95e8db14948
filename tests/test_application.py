"""repaircafe.application: what is made once for all requests is each app's own."""

from pathlib import Path

import pytest
from flask import Flask, url_for
from itsdangerous import BadSignature

from repaircafe import _add_versions
from repaircafe.application import Cookies
from tests.conftest import MakeApp


def test_each_app_signs_its_cookies_with_its_own_key(make_app: MakeApp) -> None:
    ours, other = make_app(secret_key="k" * 32), make_app(secret_key="o" * 32)
    signers = [Cookies().get_signing_serializer(one) for one in (ours, other, ours)]
    assert None not in signers
    first, foreign, again = (one for one in signers if one is not None)
    cookie = first.dumps({"language": "nl"})
    assert again.loads(cookie) == {"language": "nl"}
    with pytest.raises(BadSignature):
        foreign.loads(cookie)


def test_a_signer_is_made_once(make_app: MakeApp) -> None:
    app = make_app()
    assert app.session_interface.get_signing_serializer(app) is app.session_interface.get_signing_serializer(app)  # type: ignore[attr-defined]


def test_a_file_that_has_changed_has_another_address(tmp_path: Path) -> None:
    found = []
    for content in ("old", "old", "new"):
        (tmp_path / "app.js").write_text(content)
        app = Flask("cafe", static_folder=str(tmp_path), static_url_path="/static")
        _add_versions(app)
        with app.test_request_context():
            found.append(url_for("static", filename="app.js"))
            assert url_for("static", filename="gone.js") == "/static/gone.js"
    old, same, new = found
    assert old == same != new
    assert old.startswith("/static/app.js?v=")
