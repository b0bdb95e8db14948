"""What is recorded is kept: through an outage, in backups, and for as long as the café exists."""

import uuid
from collections.abc import Callable

import psycopg
from flask import Flask
from flask.testing import FlaskClient

from repaircafe.backup.archive import WITHOUT_ROWS, tables
from tests.afternoons.scene import held, listed, page, record, type_numbers
from tests.fakes.proxy import Proxy
from tests.harness.client import HTML, csrf_token, field
from tests.harness.conditions import until


def test_a_thing_is_recorded_once_although_the_database_was_away(proxied: Callable[..., Flask], proxy: Proxy) -> None:
    client = proxied().test_client()
    at = held(client)
    shown = page(client, at)
    sent = {"csrf_token": csrf_token(shown), "thing_id": field(shown, "thing_id"), "what": "kettle", "result": "mended"}
    proxy.break_with("refuse")
    assert client.post(f"{at}/things", data=sent, headers=HTML).status_code == 503
    assert client.get("/afternoons", headers=HTML).status_code == 503
    proxy.mend()
    assert until(lambda: client.post(f"{at}/things", data=sent, headers=HTML).status_code == 303)
    assert client.post(f"{at}/things", data=sent, headers=HTML).status_code == 303
    assert listed(client, at) == [("kettle", "Mended")]


def test_a_backup_contains_it(client: FlaskClient, raw: psycopg.Connection) -> None:
    at = held(client)
    record(client, at, "kettle", thing_id=str(uuid.uuid4()))
    type_numbers(client, at, visitors="31")
    found = tables(raw)
    assert (found["things"].rows, found["afternoons"].rows) == (1, 1)
    assert not {"things", "afternoons", "hand_ins"} & set(WITHOUT_ROWS)


def test_old_numbers_stay(app: Flask, client: FlaskClient) -> None:
    at = held(client, -2_000)
    record(client, at, "kettle")
    type_numbers(client, at, visitors="31")
    assert app.test_cli_runner().invoke(args=["chat-prune"]).exit_code == 0
    assert listed(client, at) == [("kettle", "Mended")]
    assert f'href="{at}"' in page(client, "/afternoons")
