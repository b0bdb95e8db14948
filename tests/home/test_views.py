"""The visitors' page shows what is known of the next repair café, and nothing that it should not."""

from flask.testing import FlaskClient


def test_without_settings_it_says_that_nothing_is_known(client: FlaskClient) -> None:
    assert "The date of the next repair café is not known yet." in client.get("/").text


def test_it_shows_date_place_and_offerings(client: FlaskClient) -> None:
    changes = {"event_date": "2026-12-05", "event_location": "Dorpsstraat 1", "event_offerings": "bikes, clothes"}
    assert client.post("/config", json=changes).status_code == 200
    text = client.get("/").text
    assert '<time datetime="2026-12-05">Saturday, 5 December 2026</time>' in text
    assert "Dorpsstraat 1" in text
    assert "<li>bikes</li><li>clothes</li>" in text


def test_what_was_typed_is_shown_as_text(client: FlaskClient) -> None:
    client.post("/config", json={"event_location": "<script>alert(1)</script>"})
    for path in ("/", "/config"):
        text = client.get(path, headers={"Accept": "text/html"}).text
        assert "<script>alert" not in text
        assert "&lt;script&gt;alert(1)" in text
