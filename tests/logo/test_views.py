"""repaircafe.logo.views: the organiser uploads a logo, and everybody sees it on every page."""

import io
import re
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from repaircafe.limits import MAX_REQUEST_BYTES
from repaircafe.logo.views import CSP
from tests.conftest import MakeApp
from tests.fakes.proxy import Proxy
from tests.harness.client import AUTH, HTML, PASSWORD, csrf_token, path_of_button
from tests.logo.scene import SVG, png, svg

SHOWN = re.compile(r'<img src="(/logo\?v=[0-9a-f]{64})"')


def upload(client: FlaskClient, content: bytes, name: str = "logo.png") -> TestResponse:
    """Sends the form of the settings."""
    token = csrf_token(client.get("/config", headers=HTML).text)
    fields = {"csrf_token": token, "logo": (io.BytesIO(content), name)}
    return client.post("/config/logo", data=fields, headers=HTML, content_type="multipart/form-data")


def test_an_uploaded_logo_is_on_every_page_until_it_is_removed(client: FlaskClient) -> None:
    assert not SHOWN.search(client.get("/", headers=HTML).text)
    assert client.get("/logo").status_code == 404
    saved = upload(client, png())
    assert (saved.status_code, saved.location) == (303, "/config#logo")
    (address,) = SHOWN.findall(client.get("/", headers=HTML).text)
    shown = client.get(address)
    assert (shown.status_code, shown.mimetype) == (200, "image/png")
    settings = client.get("/config", headers=HTML).text
    removed = client.post(path_of_button(settings, "Remove the logo"), data={"csrf_token": csrf_token(settings)})
    assert removed.status_code == 303
    assert not SHOWN.search(client.get("/", headers=HTML).text)
    assert client.get(address).status_code == 404


def test_a_second_logo_replaces_the_first_at_another_address(client: FlaskClient) -> None:
    addresses: list[str] = []
    for content in (png(), SVG):
        assert upload(client, content).status_code == 303
        addresses += set(SHOWN.findall(client.get("/", headers=HTML).text))
    first, second = addresses
    assert first != second
    assert client.get(second).mimetype == client.get(first).mimetype == "image/svg+xml"


@pytest.mark.parametrize("content", [png(), SVG])
def test_a_browser_may_do_nothing_with_it_but_show_it(client: FlaskClient, content: bytes) -> None:
    upload(client, content)
    shown = client.get("/logo")
    assert shown.headers.getlist("Content-Security-Policy") == [CSP]
    assert shown.headers.getlist("X-Content-Type-Options") == ["nosniff"]
    assert client.get("/").headers.getlist("Content-Security-Policy") != [CSP]


def test_a_visitors_browser_loads_it_once(make_app: MakeApp) -> None:
    app = make_app(operator_password=PASSWORD)
    organiser, visitor = app.test_client(), app.test_client()
    page = organiser.get("/config", headers=HTML, auth=AUTH).text
    fields = {"csrf_token": csrf_token(page), "logo": (io.BytesIO(SVG), "logo.svg")}
    assert organiser.post("/config/logo", data=fields, auth=AUTH).status_code == 303
    (address,) = SHOWN.findall(visitor.get("/", headers=HTML).text)
    shown = visitor.get(address)
    assert "immutable" in shown.headers["Cache-Control"]
    assert visitor.get("/logo").headers["Cache-Control"] == "no-cache"
    again = visitor.get("/logo", headers={"If-None-Match": shown.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


def test_the_content_decides_about_the_kind_and_never_the_name(client: FlaskClient) -> None:
    assert upload(client, png(), "logo.svg").status_code == 303
    assert client.get("/logo").mimetype == "image/png"
    assert upload(client, SVG, "logo.png").status_code == 303
    assert client.get("/logo").mimetype == "image/svg+xml"


def test_a_refused_file_is_explained_and_changes_nothing(client: FlaskClient) -> None:
    upload(client, png())
    before = client.get("/logo").data
    for content, said in (
        (svg("<script/>"), "“script”"),
        (b"", "Choose a file first."),
        (b"x" * 201_000, "200 kB"),
        (b"GIF89a", "neither a PNG nor an SVG"),
    ):
        refused = upload(client, content)
        assert refused.status_code == 422
        assert said in refused.text
        assert re.search(r'<input id="logo-file"[^>]* aria-invalid="true" autofocus', refused.text)
    assert client.get("/logo").data == before


def test_a_form_without_a_file_and_one_that_is_too_long_are_refused(client: FlaskClient) -> None:
    token = csrf_token(client.get("/config/logo", headers=HTML).text)
    assert client.post("/config/logo", data={"csrf_token": token}, headers=HTML).status_code == 422
    assert upload(client, b"x" * MAX_REQUEST_BYTES).status_code == 413


def test_only_the_organiser_uploads_or_removes_a_logo(make_app: MakeApp) -> None:
    visitor = make_app(operator_password=PASSWORD).test_client()
    token = csrf_token(visitor.get("/sign-in", headers=HTML).text)
    for path in ("/config/logo", "/config/logo/remove"):
        fields = {"csrf_token": token, "logo": (io.BytesIO(png()), "logo.png")}
        assert visitor.post(path, data=fields, headers=HTML).status_code == 401
    assert visitor.get("/logo").status_code == 404


def test_the_logo_stays_while_the_database_is_unavailable(proxied: Callable[..., Flask], proxy: Proxy) -> None:
    client = proxied().test_client()
    upload(client, SVG)
    (address,) = SHOWN.findall(client.get("/", headers=HTML).text)
    before = client.get(address).data
    proxy.break_with("refuse")
    assert SHOWN.findall(client.get("/", headers=HTML).text) == [address]
    assert client.get(address).data == before
    assert upload_again(client).status_code == 503


def upload_again(client: FlaskClient) -> TestResponse:
    """Sends another picture without the settings' page."""
    token = csrf_token(client.get("/", headers=HTML).text)
    fields = {"csrf_token": token, "logo": (io.BytesIO(png()), "logo.png")}
    return client.post("/config/logo", data=fields, headers=HTML)
