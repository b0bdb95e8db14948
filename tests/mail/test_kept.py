"""How long mail is kept, that no backup contains it, and what a restore does with it."""

from pathlib import Path

import psycopg
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from repaircafe.backup import restore
from repaircafe.backup.archive import Kind
from repaircafe.backup.create import create
from repaircafe.database.engines import Database
from repaircafe.environment import Environment
from repaircafe.mail import forget
from repaircafe.mail.models import Box, EndedFetch, Forgotten, Message, Thread
from repaircafe.parts import parts
from repaircafe.retention.removal import remove_older
from tests.mail.scene import ANNA, Letter, a_box, put

DAY_H = 24
BEN = "ben@example.org"


def test_a_thread_goes_with_its_newest_mail(app: Flask, session: Session) -> None:
    put(
        session,
        a_box(session),
        Letter("1", "a@x", subject="Old", age_h=31 * DAY_H),
        Letter("2", "b@x", subject="New", age_h=40 * DAY_H),
        Letter("3", "c@x", ("b@x",), subject="New", age_h=29 * DAY_H),
    )
    remove_older(parts(app)[Database], 30, 30)
    assert set(session.scalars(sa.select(Message.remote_id))) == {"2", "3"}
    assert session.scalar(sa.select(Thread.subject)) == "New"
    remove_older(parts(app)[Database], 30, 7)
    session.expire_all()
    assert session.scalar(sa.select(sa.func.count()).select_from(Thread)) == 0


def test_old_fetches_go_except_the_newest_of_each_mailbox(app: Flask, session: Session) -> None:
    box, other = a_box(session), a_box(session, "zwei@cafe.example")
    for one, ages in ((box, (800, 500, 20)), (other, (900, 700))):
        for age in ages:
            ended_at = sa.func.now() - sa.text(f"interval '{age} days'")
            values = {"box_id": one.id, "cursor": str(age), "new": 0, "has_more": False, "ended_at": ended_at}
            session.execute(sa.insert(EndedFetch).values(id=sa.func.new_uuid(), **values))
    session.commit()
    remove_older(parts(app)[Database], 30, 30)
    assert set(session.scalars(sa.select(EndedFetch.cursor))) == {"20", "700"}


def test_a_backup_has_no_mail_and_a_restore_forgets_nobody_anew(
    database_url: str, tmp_path: Path, app: Flask, session: Session
) -> None:
    environment = Environment(database_url=database_url, backup_folder=str(tmp_path))  # type: ignore[arg-type]
    box = a_box(session)
    put(session, box, Letter("1", "a@x", said="A word that nobody else writes: quibbleberry"))
    put(session, box, Letter("2", "b@x", sender=BEN))
    forget.forget(session, BEN)
    made = create(environment, database_url, Kind.MANUAL)
    assert b"quibbleberry" not in made.path.read_bytes()
    assert made.manifest is not None
    assert {made.manifest.tables[name].rows for name in ("mail_messages", "mail_threads", "mail_fetches")} == {0}
    assert made.manifest.tables["mail_forgotten"].rows == 1
    forget.forget(session, ANNA)  # after the backup
    put(session, box, Letter("3", "c@x", sender="carla@example.org"))
    session.close()
    restore.restore(environment, database_url, made.path, restore.accept(made.path))
    with psycopg.connect(database_url) as connection:
        counts = {
            name: connection.execute(f"SELECT count(*) FROM {name}").fetchone()
            for name in ("mail_messages", "mail_threads", "mail_fetches", "mail_boxes", "mail_forgotten")
        }
    assert list(counts.values()) == [(0,), (0,), (0,), (1,), (2,)]
    with Session(parts(app)[Database].engine) as fresh:
        box = fresh.scalars(sa.select(Box)).one()
        assert put(fresh, box, Letter("1", "a@x"), Letter("2", "b@x", sender=BEN)).new == 0
        assert len(fresh.scalars(sa.select(Forgotten)).all()) == 2
