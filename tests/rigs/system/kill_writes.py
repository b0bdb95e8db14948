"""Kills the service's master again and again in the middle of settings writes; prints what it found as JSON.

Runs inside a machine with its own Python: `python3 kill_writes.py PASSWORD ROUNDS SEED`. A write sets three
settings to the same number. After each kill the service must come back by itself, and the three must agree: on a number
not older than the last one that was acknowledged, and not newer than the last one that was sent.
"""

import base64
import http.client
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from typing import Any

ADDRESS = "127.0.0.1:8000"
BACK_LIMIT_S = 60
KEYS = ("event_location", "event_offerings", "llm_model")


class Writer(threading.Thread):
    """Writes numbers, one after the other, until a write fails."""

    def __init__(self, credentials: str, first: int) -> None:
        super().__init__(daemon=True)
        self.credentials = credentials
        self.sent = self.acknowledged = first

    def run(self) -> None:
        """Ends with the first write that is not acknowledged."""
        connection = http.client.HTTPConnection(ADDRESS, timeout=10)
        try:
            while True:
                self.sent += 1
                if ask(connection, self.credentials, "POST", dict.fromkeys(KEYS, f"number-{self.sent}")) is None:
                    return
                self.acknowledged = self.sent
        except (OSError, http.client.HTTPException):
            connection.close()


def ask(
    connection: http.client.HTTPConnection, credentials: str, method: str, body: dict[str, str] | None = None
) -> dict[str, Any] | None:
    """The JSON of /config, or None where it is not to be had."""
    headers = {"Accept": "application/json", "Content-Type": "application/json", "Authorization": credentials}
    connection.request(method, "/config", json.dumps(body) if body else None, headers)
    answer = connection.getresponse()
    text = answer.read()
    found: dict[str, Any] | None = json.loads(text) if answer.status == 200 else None
    return found


def settings(credentials: str) -> list[str] | None:
    """The three settings, when the service is back and reads them from the database; None where it does not come."""
    end = time.monotonic() + BACK_LIMIT_S
    while time.monotonic() < end:
        connection = http.client.HTTPConnection(ADDRESS, timeout=30)
        try:
            found = ask(connection, credentials, "GET")
            if found and found["current"]:
                return [found["settings"][key] for key in KEYS]
        except (OSError, http.client.HTTPException, ValueError):
            pass
        finally:
            connection.close()
        time.sleep(0.05)
    return None


def master() -> int:
    """The service's main process, when it has one."""
    while True:
        said = subprocess.run(
            ["systemctl", "show", "-P", "MainPID", "repaircafe"], capture_output=True, text=True, check=True
        )
        if int(said.stdout):
            return int(said.stdout)
        time.sleep(0.05)


def main() -> None:
    """Prints `{"rounds": …, "in_the_middle": …, "faults": […]}`."""
    credentials = "Basic " + base64.b64encode(f"operator:{sys.argv[1]}".encode()).decode()
    rounds, in_the_middle, number = int(sys.argv[2]), 0, 0
    faults: list[str] = []
    chance = random.Random(sys.argv[3])
    for _ in range(rounds):
        writer = Writer(credentials, number)
        writer.start()
        while writer.acknowledged < number + 2 and writer.is_alive():
            time.sleep(0.001)
        time.sleep(chance.random() * 0.03)
        os.kill(master(), signal.SIGKILL)
        writer.join()
        in_the_middle += writer.sent > writer.acknowledged
        found = settings(credentials)
        if found is None:
            faults.append("the service did not come back")
            break
        if len(set(found)) != 1:
            faults.append(f"half a write: {found}")
        number = int(found[0].split("-")[1])
        if not writer.acknowledged <= number <= writer.sent:
            faults.append(f"{number} is not within {writer.acknowledged} and {writer.sent}")
    print(json.dumps({"rounds": rounds, "in_the_middle": in_the_middle, "faults": faults}))


if __name__ == "__main__":
    main()
