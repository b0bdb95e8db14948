"""The parts of an app, found by their class: typed, and without a module that would have to know them all."""

from typing import TypeVar, cast

from flask import Flask, current_app

Part = TypeVar("Part")


class Parts:
    """What create_app has made. Each class once."""

    def __init__(self, app: Flask) -> None:
        self._made: dict[type[object], object] = {}
        app.extensions["repaircafe"] = self

    def add(self, part: Part) -> Part:
        """The part, which is found from now on."""
        self._made[type(part)] = part
        return part

    def __getitem__(self, kind: type[Part]) -> Part:
        """The part of that class. Raises KeyError where it has not been made yet."""
        return cast("Part", self._made[kind])


def parts(app: Flask | None = None) -> Parts:
    """Those of the given app, or of the one that serves the request or runs the command."""
    found: Parts = (app or current_app).extensions["repaircafe"]
    return found
