"""repaircafe.mail.views: what the organiser reads of the café's mail, and what she does with it."""

import re
import uuid
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient

from repaircafe.database.tables import db
from repaircafe.mail import forget as forgetting
from repaircafe.mail import overview
from repaircafe.mail.fetcher import Fetcher
from repaircafe.mail.models import Thread
from repaircafe.parts import parts
from tests.harness.client import HTML, csrf_token, field
from tests.mail import letterbox
from tests.mail.letterbox import TALKS, Letter, Talk
from tests.mail.scene import ScriptedMailbox

BROODROOSTER, NAAIMACHINE, EVIL = "Re: Broodrooster", "Nähmaschine Pfaff 230", "URGENT: your account"


@pytest.fixture
def mail(app: Flask) -> FlaskClient:
    """A browser at an app whose mailbox is set up and filled."""
    give_mailbox(app)
    with app.app_context():
        letterbox.fill(db.session())
    return app.test_client()


def give_mailbox(app: Flask, mailbox: ScriptedMailbox | None = None) -> ScriptedMailbox:
    """Sets a mailbox up; without one it is empty."""
    mailbox = mailbox or ScriptedMailbox([])
    parts(app)[Fetcher].source = letterbox.source(mailbox)
    return mailbox


def page(client: FlaskClient, path: str = "/mail") -> str:
    answer = client.get(path, headers=HTML)
    assert answer.status_code == 200, answer.text
    return answer.text


def subjects(text: str) -> list[str]:
    """The subjects of a list."""
    return re.findall(r'class="subject"><bdi>(.*?)</bdi>', text)


def path_of(client: FlaskClient, subject: str) -> str:
    """The address of the thread with that subject."""
    with client.application.app_context():
        return f"/mail/{letterbox.thread_of(db.session(), subject).id}"


def main(text: str) -> str:
    return text.partition("<main")[2].partition("</main>")[0]


def press(client: FlaskClient, at: str, action: str, **fields: Any) -> Any:
    """Sends a form of the page `at`."""
    token = csrf_token(page(client, at))
    return client.post(f"{at}/{action}", data={"csrf_token": token, **fields}, headers=HTML)


def test_without_a_mailbox_the_page_says_how_to_begin(client: FlaskClient) -> None:
    text = main(page(client))
    assert 'href="/mail/set-up"' in text
    assert "<form" not in text
    assert client.post("/mail/fetch", data={"csrf_token": csrf_token(page(client))}).location == "/mail/set-up"


def test_the_steps_name_the_command_the_variables_and_the_test(client: FlaskClient) -> None:
    text = main(page(client, "/mail/set-up"))
    for named in ("mail-authorize", "IMAP_HOST", "IMAP_PASSWORD", "GMAIL_CLIENT_ID", "Testing", "Microsoft 365"):
        assert named in text
    assert 'href="/config#group-system"' in text


def test_a_mailbox_that_was_never_fetched_offers_fetch(app: Flask) -> None:
    give_mailbox(app)
    text = main(page(app.test_client()))
    assert 'action="/mail/fetch"' in text
    assert "Not fetched yet." in text
    assert 'name="q"' not in text


def test_the_newest_thread_is_first_and_the_done_ones_are_apart(mail: FlaskClient) -> None:
    text = page(mail)
    found = subjects(text)
    assert found[:3] == [BROODROOSTER, NAAIMACHINE, "Horaires et prix"]
    assert len(found) == len(TALKS) - 1
    assert "Last fetched 20 minutes ago." in text
    assert subjects(page(mail, "/mail?state=done")) == ["Repair of a radio"]
    assert len(subjects(page(mail, "/mail?state=all"))) == len(TALKS)


def test_a_row_has_the_sender_the_kind_and_how_the_newest_mail_begins(mail: FlaskClient) -> None:
    rows = dict(zip(subjects(text := page(mail)), re.findall(r"<li.*?</li>", text, re.S), strict=False))
    assert "Anna de Vries" in rows[BROODROOSTER]
    assert "Wat fijn! Moet ik" in rows[BROODROOSTER]
    assert "3 mails" in rows[BROODROOSTER]
    assert "1 attachment" in rows[BROODROOSTER]
    assert "Not delivered" in rows["Undelivered Mail Returned to Sender"]
    assert "Newsletter" in rows["Nieuwsbrief december"]
    assert "odd@post.example" in rows["(no subject)"]


@pytest.mark.parametrize("path", ["?state=nonsense", "?page=0", "?page=-4", "?page=x", "?state=&q=", "?q=%00"])
def test_nonsense_in_the_address_shows_the_list(mail: FlaskClient, path: str) -> None:
    assert subjects(page(mail, f"/mail{path}"))[0] == BROODROOSTER


def test_a_page_has_fifty_threads_and_leads_to_the_others(app: Flask) -> None:
    give_mailbox(app)
    talks = [Talk("A", f"a{one}@b.example", f"Nr {one}", "en", (Letter(one, "Hi"),)) for one in range(120)]
    with app.app_context():
        letterbox.fill(db.session(), talks)
    client = app.test_client()
    first, second, third = (page(client, f"/mail?page={number}") for number in (1, 2, 3))
    assert subjects(first) + subjects(second) + subjects(third) == [f"Nr {one}" for one in range(120)]
    assert [len(subjects(one)) for one in (first, second, third)] == [50, 50, 20]
    assert ('rel="prev"' in first, 'rel="next"' in first) == (False, True)
    assert 'href="/mail"' in re.findall(r"<a[^>]*prev[^>]*>", second)[0]
    assert 'rel="next"' not in third
    assert "The list ends before this page." in page(client, "/mail?page=99999999999999999999")


@pytest.mark.parametrize(
    ("q", "found"),
    [
        ("pfaff", [NAAIMACHINE]),
        ("grille-pain", ["Merci !"]),
        ("ANNA strijk", ["Strijkijzer"]),
        ("إصلاح", ["إصلاح دراجة"]),
        ("nobody-says-this", []),
    ],
)
def test_the_search_finds_words_of_any_language(mail: FlaskClient, q: str, found: list[str]) -> None:
    text = mail.get("/mail", query_string={"q": q}, headers=HTML).text
    assert subjects(text) == found
    assert f'value="{q}"' in text
    assert ("Nothing found." in text) == (not found)


def test_the_address_keeps_the_search_on_the_other_lists(mail: FlaskClient) -> None:
    text = page(mail, "/mail?q=radio")
    assert 'href="/mail?state=done&amp;q=radio"' in text
    assert subjects(page(mail, "/mail?state=done&q=radio")) == ["Repair of a radio"]


def test_a_thread_is_unread_until_it_is_opened_and_again_when_something_comes(mail: FlaskClient) -> None:
    path = path_of(mail, NAAIMACHINE)
    with mail.application.app_context():
        assert letterbox.thread_of(db.session(), NAAIMACHINE).is_unread
    text = page(mail, path)
    assert "näht nur noch rückwärts" in text
    with mail.application.app_context():
        assert not letterbox.thread_of(db.session(), NAAIMACHINE).is_unread
        session = db.session()
        more = Talk("Jürgen Weiß", "jürgen@post.example", NAAIMACHINE, "de", (Letter(2, ""), Letter(1, "Hallo?")))
        letterbox.put(session, letterbox.box(session), more, f"1-{NAAIMACHINE[:20]}", datetime.now(UTC))
        assert letterbox.thread_of(session, NAAIMACHINE).is_unread


def test_the_newest_mail_is_in_full_and_the_others_are_folded(mail: FlaskClient) -> None:
    text = main(page(mail, path_of(mail, BROODROOSTER)))
    newest, _, rest = text.partition("</article>")
    assert "gewoon binnenlopen?" in newest
    assert "broodrooster.jpg" in newest
    assert newest.count("<details") == 1, "what it quotes"
    assert rest.index("Breng hem gerust mee") < rest.index("Philips")
    assert subjects(rest) == ["Strijkijzer"]


def test_what_a_stranger_wrote_is_text(mail: FlaskClient) -> None:
    text = main(page(mail, path_of(mail, EVIL)))
    assert "<img" not in text
    assert "https://bank.example@<b>evil.example</b>/pay?who=7</span> gnp.exe" in text
    assert not [one for one in re.findall(r'(?:href|src|action)="([^"]*)"', text) if not one.startswith(("/", "#"))]
    assert "3 pieces of hidden text" in text
    assert "An answer goes to:" in text


@pytest.mark.parametrize(
    ("subject", "said"),
    [
        ("Foto's van zaterdag", "This mail is longer than what is kept here."),
        ("", "This mail cannot be shown here."),
        ("Vertraulich", "Only your mail program can read it."),
        ("Undelivered Mail Returned to Sender", "A mail server reports"),
        ("Afwezig: Re: Ruimte voor januari", "A machine has answered"),
        ("Uitnodiging: overleg duurzaamheid", "Accept or decline it in your mail program."),
    ],
)
def test_a_mail_that_is_not_plain_says_so(mail: FlaskClient, subject: str, said: str) -> None:
    assert said in main(page(mail, path_of(mail, subject)))


def test_a_long_thread_shows_its_latest_mails_and_leads_to_the_others(app: Flask) -> None:
    give_mailbox(app)
    with app.app_context():
        letterbox.fill(db.session(), [letterbox.long_talk(50, "Nog een vraag. " * 200)])
    client = app.test_client()
    text = page(client, path_of(client, "Lamp"))
    assert len(text) < 100_000
    assert text.count("<details") >= 10
    others = re.findall(r'href="(/mail/[^"]*\?mail=[^"]*)"', text)
    assert len(others) >= 30
    oldest = main(page(client, others[-1]))
    assert "(0)" in oldest.partition("</article>")[0]
    assert "An earlier mail" in oldest


def test_done_takes_a_thread_off_the_list_and_open_again_puts_it_back(mail: FlaskClient) -> None:
    path = path_of(mail, BROODROOSTER)
    assert press(mail, path, "done").location == "/mail"
    assert BROODROOSTER not in subjects(page(mail))
    assert BROODROOSTER in subjects(page(mail, "/mail?state=done"))
    assert press(mail, path, "open").location == path
    assert BROODROOSTER in subjects(page(mail))


def test_before_a_sender_is_forgotten_the_page_says_what_goes(mail: FlaskClient) -> None:
    path = path_of(mail, BROODROOSTER)
    text = main(page(mail, f"{path}/forget"))
    assert "anna@post.example" in text
    assert "2 threads are deleted here, with 4 mails in them." in " ".join(text.split()).replace("</li> <li>", " ")
    assert "This cannot be undone." in text


def test_a_forgotten_sender_is_gone(mail: FlaskClient, raw: psycopg.Connection) -> None:
    path = path_of(mail, BROODROOSTER)
    answer = press(mail, path, "forget", address="anna@post.example")
    assert (answer.status_code, answer.location) == (303, "/mail")
    text = page(mail)
    assert "Forgotten, with 4 mails." in text
    assert not {BROODROOSTER, "Strijkijzer"} & set(subjects(text))
    assert raw.execute("SELECT count(*) FROM mail_messages WHERE from_address LIKE 'anna%'").fetchone() == (0,)
    token = csrf_token(text)
    again = mail.post(f"{path}/forget", data={"csrf_token": token, "address": "anna@post.example"}, headers=HTML)
    assert again.location == "/mail"


def test_the_page_counts_what_really_goes(mail: FlaskClient) -> None:
    with mail.application.app_context():
        session = db.session()
        theirs = Talk(
            "Tom", "tom@post.example", "Together", "en", (Letter(3, "Hi"), Letter(2, "Me, too"), Letter(1, "We"))
        )
        second = replace(theirs.letters[1], more={"from_address": "chloé@post.example"})
        both = replace(theirs, letters=(theirs.letters[0], second, theirs.letters[2]))
        letterbox.put(session, letterbox.box(session), both, "together", datetime.now(UTC))
        for subject in ("Horaires et prix", BROODROOSTER, "Repair of a radio"):
            thread = letterbox.thread_of(session, subject)
            said = overview.extent(session, thread)
            gone = forgetting.forget(session, thread.counterpart)
            assert (said.threads, said.mails) == (gone.threads, gone.messages)
            assert said.mails > 1 or subject != "Horaires et prix"


def test_an_address_with_what_nobody_sees_can_be_forgotten(mail: FlaskClient, raw: psycopg.Connection) -> None:
    path = path_of(mail, NAAIMACHINE)
    raw.execute("UPDATE mail_threads SET counterpart = 'a\u200b@b.example' WHERE subject = %s", (NAAIMACHINE,))
    assert press(mail, path, "forget", address=field(page(mail, f"{path}/forget"), "address")).status_code == 303
    assert NAAIMACHINE not in subjects(page(mail))


def test_the_cafes_own_address_is_not_forgotten(mail: FlaskClient, raw: psycopg.Connection) -> None:
    path = path_of(mail, NAAIMACHINE)
    raw.execute("UPDATE mail_threads SET counterpart = %s WHERE subject = %s", (letterbox.CAFE, NAAIMACHINE))
    assert "Forget this sender" not in page(mail, path)
    answer = press(mail, path, "forget", address=letterbox.CAFE)
    assert answer.status_code == 409
    assert "own address" in answer.text
    assert NAAIMACHINE in subjects(page(mail))


@pytest.mark.parametrize("address", ["", "somebody@else.example"])
def test_only_the_sender_that_the_page_has_named_is_forgotten(mail: FlaskClient, address: str) -> None:
    path = path_of(mail, BROODROOSTER)
    answer = press(mail, path, "forget", address=address)
    assert answer.status_code == 409
    assert "anna@post.example" in answer.text
    assert BROODROOSTER in subjects(page(mail))


@pytest.mark.parametrize("path", ["", "/forget", "?mail=nonsense"])
def test_a_thread_that_is_gone_says_why(mail: FlaskClient, path: str) -> None:
    answer = mail.get(f"/mail/{uuid.uuid4()}{path}", headers=HTML)
    assert answer.status_code == 404
    assert "This mail is no longer here." in answer.text


def test_nothing_of_a_mail_is_in_the_log(mail: FlaskClient, caplog: pytest.LogCaptureFixture) -> None:
    path = path_of(mail, NAAIMACHINE)
    page(mail, path)
    page(mail, "/mail?q=pfaff")
    press(mail, path, "done")
    press(mail, path, "forget", address="jürgen@post.example")
    said = str([one.msg for one in caplog.records]).lower()
    assert "/mail" in said
    assert not [word for word in ("pfaff", "jürgen", "j%c3%bcrgen", "rückwärts") if word in said]


def test_today_says_how_many_mails_are_open(mail: FlaskClient, raw: psycopg.Connection) -> None:
    assert f"{len(TALKS) - 1} mails are open." in page(mail, "/today")
    raw.execute("UPDATE mail_threads SET state = 'done'")
    text = page(mail, "/today")
    assert "mails are open." not in text
    assert 'href="/mail"' in text, "the menu"


def test_a_thread_without_mails_opens(mail: FlaskClient) -> None:
    with mail.application.app_context():
        session = db.session()
        box = letterbox.box(session)
        session.add(Thread(box_id=box.id, kind="person", last_at=datetime.now(UTC), subject="Leeg"))
        session.commit()
    assert "Leeg" in page(mail, path_of(mail, "Leeg"))
    assert "Leeg" in subjects(page(mail))
