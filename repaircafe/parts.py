"""Finds the parts of an app by their class, with the right types; no module has to import all of them."""

from typing import TypeVar, cast

from flask import Flask, current_app

Part = TypeVar("Part")


class Parts:
    """The parts that create_app has made, one of each class."""

    def __init__(self, app: Flask) -> None:
        self._made: dict[type[object], object] = {}
        app.extensions["repaircafe"] = self

    def add(self, part: Part) -> Part:
        """Stores the part and returns it."""
        self._made[type(part)] = part
        return part

    def __getitem__(self, kind: type[Part]) -> Part:
        """The part of that class. Raises KeyError if it has not been made yet."""
        return cast("Part", self._made[kind])


def parts(app: Flask | None = None) -> Parts:
    """The parts of the given app, or else of the app that handles this request or command."""
    found: Parts = (app or current_app).extensions["repaircafe"]
    return found
