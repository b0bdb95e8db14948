"""Repair Café: the assistant that an organiser installs on a Raspberry Pi and never has to think about again.

The factory is in app.py, so that what needs one part of the package does not load all of it.
"""

from repaircafe.version import __version__ as __version__  # deploy/install of another version asks for it
