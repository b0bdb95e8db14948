"""repaircafe.web.application: each app has its own cookie signer, and static files are small for telephones."""

import gzip
from pathlib import Path

import pytest
from flask import Flask, url_for
from itsdangerous import BadSignature

from repaircafe.app import _add_versions
from repaircafe.web.application import Cookies
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


def test_the_signer_is_made_once(make_app: MakeApp) -> None:
    app = make_app()
    assert app.session_interface.get_signing_serializer(app) is app.session_interface.get_signing_serializer(app)  # type: ignore[attr-defined]


def test_a_changed_file_has_another_address(tmp_path: Path) -> None:
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


def test_a_file_is_compressed_for_clients_that_accept_gzip(make_app: MakeApp) -> None:
    app = make_app()
    client, path = app.test_client(), "/static/app.css"
    plain = client.get(path, buffered=True)
    packed = client.get(path, headers={"Accept-Encoding": "br, gzip"}, buffered=True)
    assert plain.data == (Path(str(app.static_folder)) / "app.css").read_bytes() == gzip.decompress(packed.data)
    assert len(packed.data) * 3 < len(plain.data)
    assert packed.headers["Content-Length"] == str(len(packed.data))
    assert [one.headers.get("Content-Encoding") for one in (plain, packed)] == [None, "gzip"]
    assert [one.headers["Vary"] for one in (plain, packed)] == ["Accept-Encoding"] * 2
    refused = client.get(path, headers={"Accept-Encoding": "gzip;q=0, identity"}, buffered=True)
    assert refused.data == plain.data
    part = client.get(path, headers={"Accept-Encoding": "gzip", "Range": "bytes=0-9"}, buffered=True)
    assert (part.status_code, part.data) == (206, plain.data[:10])
    head = client.head(path, headers={"Accept-Encoding": "gzip"}, buffered=True)
    assert (head.data, head.headers["Content-Length"]) == (b"", str(len(packed.data)))


def test_an_unchanged_compressed_file_is_not_sent_again(make_app: MakeApp) -> None:
    client, taken = make_app().test_client(), {"Accept-Encoding": "gzip"}
    packed = client.get("/static/app.js", headers=taken, buffered=True)
    assert packed.headers["ETag"].startswith("W/")
    again = client.get("/static/app.js", headers={**taken, "If-None-Match": packed.headers["ETag"]}, buffered=True)
    assert (again.status_code, again.data) == (304, b"")
    assert again.headers["Vary"] == "Accept-Encoding"


def test_a_page_is_not_compressed(make_app: MakeApp) -> None:
    page = make_app().test_client().get("/", headers={"Accept-Encoding": "gzip"})
    assert page.headers.get("Content-Encoding") is None
