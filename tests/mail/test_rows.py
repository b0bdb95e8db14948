"""repaircafe.mail.rows: a mail's bytes become a row of a thread."""

from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from repaircafe.mail import inbox, rows, storing
from repaircafe.mail.base import Fetched
from repaircafe.mail.models import Message, ThreadState
from repaircafe.mail.parts import mail_of
from tests.mail.scene import ANNA, NOW, a_box

QUESTION = f"""From: Anna =?utf-8?q?M=C3=BCller?= <{ANNA}>
To: info@cafe.example
Subject: Can you mend a toaster?
Message-ID: <one@x>

Hello, can you mend my toaster on Saturday? It hums and then it stops.
"""
ANSWER = f"""From: info@cafe.example
To: {ANNA}
Subject: Re: Can you mend a toaster?
Message-ID: <two@x>
In-Reply-To: <one@x>

Yes, bring it along. We are open until five.

Anna wrote:
> Hello, can you mend my toaster
"""


def _fetched(number: int, text: str, *, is_ours: bool = False) -> Fetched:
    mail = mail_of(text.replace("\n", "\r\n").encode(), cut=False)
    return Fetched(str(number), "", NOW - timedelta(hours=5 - number), is_ours, mail)


def test_a_question_and_its_answer_are_a_thread(session: Session) -> None:
    box = a_box(session)
    batch = [_fetched(2, ANSWER, is_ours=True), _fetched(1, QUESTION), _fetched(3, "\x00\xff: nonsense")]
    assert storing.store(session, box, batch, rows.read).new == 3
    session.commit()
    (found,) = inbox.threads(session, box.id, q="toaster").threads
    assert (found.counterpart, found.counterpart_name, found.state) == (ANNA, "Anna Müller", ThreadState.DONE)
    answer = session.scalars(sa.select(Message).where(Message.remote_id == "2")).one()
    assert (answer.is_ours, answer.reply_to, answer.language) == (True, ANNA, "en")
    assert answer.said.startswith("Yes, bring it along.")
    assert "> Hello" in answer.folded
