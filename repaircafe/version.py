"""The version of the program, in a module that knows no other, so that every part can tell it."""

__version__ = "0.1.0"
