"""How a state of the tour is registered: a page that somebody sees, and how the stage comes to it."""

from collections.abc import Callable

from playwright.sync_api import Page

from tests.rigs.browser.stage import Stage

State = Callable[[Stage], Page]


def registering(states: dict[str, State]) -> Callable[[State], State]:
    """A decorator that adds a function to the states, under its name."""

    def state(view: State) -> State:
        states[view.__name__.replace("_", "-")] = view
        return view

    return state
