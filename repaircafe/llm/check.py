"""How the language model is checked: which server answers, whether it has the model, whether the model works."""

import time

from flask_babel import LazyString, format_decimal
from flask_babel import lazy_gettext as _l
from pydantic import SecretStr

from repaircafe.limits import CHECK_EXCHANGE_LIMIT_S, TEST_EXCHANGE_LIMIT_S
from repaircafe.llm.base import Message, Server, StillThinkingError
from repaircafe.llm.failures import Asked, Failures
from repaircafe.llm.identify import identify
from repaircafe.neighbours import checks
from repaircafe.neighbours.addresses import is_metadata
from repaircafe.neighbours.checks import Check, NeighbourCheck, Work
from repaircafe.neighbours.http import BoundedClient
from repaircafe.neighbours.model_names import is_cloud_model
from repaircafe.neighbours.report import (
    SERVER_GONE,
    TRIAL_REASONS,
    NeighbourError,
    PermanentError,
    Reason,
    Step,
    StepName,
)
from repaircafe.settings.definitions import DEFAULT_TEMPERATURE, Settings
from repaircafe.settings.store import Store

TEST_MESSAGES = (
    Message("system", "You are a friendly assistant. Answer in one short sentence."),
    Message("user", "Hi"),
)
"""A short text in place of the facts: a Pi needs seconds to read the facts."""


def neighbour_check(store: Store, failures: Failures, key: SecretStr | None = None) -> NeighbourCheck:
    """The check of the model in the settings, or of the trial's own model if the settings name none.

    `key` is what the server may want to be asked with. `failures` of replies count until a test succeeds.
    """

    def poll(check: Check) -> None:
        settings = _answering(check, store)
        check.is_trial = settings.is_trial
        try:
            steps(settings.llm_endpoint, settings.llm_model, key=key)(check)
            if reason := failures.reason(Asked(settings.llm_endpoint, settings.llm_model)):
                with check.step(StepName.REPLIES) as say:
                    say(_l("The last replies ended with this error."))
                    raise PermanentError(reason)
        except NeighbourError as error:
            if settings.is_trial and error.reason in SERVER_GONE:  # its thread will soon notice
                check.steps = [Step(StepName.ADDRESS, "", Reason.TRIAL_STARTING)]
            raise

    def test(endpoint: str, model: str, temperature: float) -> Work:
        def work(check: Check) -> None:
            steps(endpoint, model, key=key, generate=True, temperature=temperature)(check)
            failures.succeeded(Asked(endpoint, model))

        return work

    return NeighbourCheck(test=test, poll=poll)


def _answering(check: Check, store: Store) -> Settings:
    try:
        return store.with_endpoint()
    except NeighbourError as error:
        check.is_trial = error.reason in TRIAL_REASONS
        with check.step(StepName.ADDRESS):
            raise


def steps(
    endpoint: str,
    model: str,
    *,
    key: SecretStr | None = None,
    generate: bool = False,
    temperature: float = DEFAULT_TEMPERATURE,
) -> Work:
    """The steps for the model's server: its address, its kind, its models; with `generate`, also an answer."""

    def work(check: Check) -> None:
        if not endpoint:
            with check.step(StepName.ADDRESS):
                raise PermanentError(Reason.NOT_SET)
        if generate:
            _reach(check, endpoint, is_cloud_model(model))
        limit_s = check.left_s(TEST_EXCHANGE_LIMIT_S) if generate else CHECK_EXCHANGE_LIMIT_S
        with BoundedClient(limit_s, key=key, is_extendable=False) as client:
            with check.step(StepName.SERVER) as say:
                server = identify(client, endpoint)
                check.outside = check.outside or checks.is_outside(client.peers)
                say(server.title)
            with check.step(StepName.MODEL) as say:
                check.models = server.models()
                say(model)
                is_known = server.unusable(model) is Reason.CANNOT_CHAT  # another copy of it would be the same
                check.can_pull = model if server.can_pull and server.has(model) and not is_known else ""
                _require(server, model)
                check.outside = check.outside or server.is_remote(model)
            if generate:
                _generate(check, server, model, temperature)

    return work


def _reach(check: Check, endpoint: str, is_remote: bool) -> None:
    host, port = checks.host_and_port(endpoint)
    with check.step(StepName.ADDRESS) as say:
        say(endpoint)
    with check.step(StepName.NAME) as say:
        addresses = checks.resolve(host, port)
        if any(is_metadata(address) for address in addresses):
            raise PermanentError(Reason.BAD_ADDRESS, ", ".join(addresses))
        is_outside = checks.is_outside(addresses)
        check.outside = is_outside or is_remote
        where = _l("outside this network") if is_outside else _l("on this network")
        say(_l("%(addresses)s, %(where)s", addresses=", ".join(addresses), where=where))
    with check.step(StepName.CONNECTION) as say:
        checks.connect(host, port)
        say(_l("Port %(port)s is open", port=port))


def _require(server: Server, model: str) -> None:
    if not server.models() and not server.has(model):
        raise PermanentError(Reason.NO_MODEL)
    installed = ", ".join(server.models())
    if not model:
        raise PermanentError(Reason.MODEL_NOT_CHOSEN, _l("Installed: %(models)s", models=installed))
    if not server.has(model):
        raise PermanentError(
            Reason.MODEL_MISSING, _l("%(model)s is not installed. Installed: %(models)s", model=model, models=installed)
        )
    if reason := server.unusable(model):
        raise PermanentError(reason)


def _generate(check: Check, server: Server, model: str, temperature: float) -> None:
    """Asks as the chat asks, until the first word.

    If a server that has just listed the model stays silent, it is loading it. If the model is in memory already, the
    server is busy with somebody else's question. A model that thinks has been loaded meanwhile.
    """
    with check.step(StepName.ANSWER) as say:
        silence = Reason.SLOW if server.is_loaded(model) else Reason.LOADING
        began = time.monotonic()
        try:
            next(server.chat(model, TEST_MESSAGES, temperature))
        except StillThinkingError as error:
            thinks = _l("Still thinking after %(n)s s. A model that does not think first is faster.", n=_since(began))
            raise PermanentError(Reason.SLOW, thinks) from error
        except NeighbourError as error:
            if error.reason is Reason.TIMEOUT:
                raise PermanentError(silence, _l("No word yet after %(n)s s", n=_since(began))) from error
            raise
        say(_l("First word after %(n)s s", n=_since(began)))


def _since(began: float) -> LazyString:
    """The seconds since `began`, written in the reader's language."""
    seconds = time.monotonic() - began
    return LazyString(lambda: str(format_decimal(seconds, "0.0")))
