"""The validated environment: `.env` and the process environment, read once. An error lists all faults together.

The process environment overrides `.env`. An empty value counts as not set, so that a copy of `.env.example` works.
"""

from repaircafe.environment.faults import EX_CONFIG, EnvironmentFaultsError
from repaircafe.environment.mailbox import ImapSecurity
from repaircafe.environment.values import HASHES, comma_list, is_loopback
from repaircafe.environment.variables import PROJECT, Environment, LogFormat, Stage, load_or_exit

__all__ = [
    "EX_CONFIG",
    "HASHES",
    "PROJECT",
    "Environment",
    "EnvironmentFaultsError",
    "ImapSecurity",
    "LogFormat",
    "Stage",
    "comma_list",
    "is_loopback",
    "load_or_exit",
]
