"""repaircafe.writing.endings: what a reader of an incomplete text is advised to do."""

import pytest
from flask import Flask

from repaircafe.chat.models import Reply
from repaircafe.neighbours.explanations import explain
from repaircafe.neighbours.report import Neighbour, Reason
from repaircafe.work.models import State
from repaircafe.writing.endings import advice


@pytest.mark.parametrize("reason", [Reason.RUNNER_DIED, Reason.SERVER_BUSY, Reason.LOADING, Reason.TIMEOUT])
def test_a_visitor_is_told_to_try_again_if_that_may_help(app: Flask, reason: Reason) -> None:
    with app.test_request_context():
        told = advice(Reply(state=State.FAILED, reason=reason), for_operator=False)
        assert told == advice(Reply(state=State.FAILED, reason=Reason.CUT_OFF), for_operator=False)
        assert told != advice(Reply(state=State.FAILED, reason=Reason.MODEL_DAMAGED), for_operator=False)


@pytest.mark.parametrize("reason", list(Reason))
def test_the_organiser_gets_the_cure(app: Flask, reason: Reason) -> None:
    with app.test_request_context():
        told = advice(Reply(state=State.FAILED, reason=reason), for_operator=True)
        assert told == explain(Neighbour.LLM, reason).cure


@pytest.mark.parametrize("state", [State.DONE, State.WRITING])
def test_a_text_that_is_complete_or_under_way_needs_no_advice(app: Flask, state: State) -> None:
    with app.test_request_context():
        assert not advice(Reply(state=state, reason=Reason.LENGTH), for_operator=True)
