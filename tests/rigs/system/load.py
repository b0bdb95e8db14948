"""Ten visitors at once, inside a machine, until standard input closes; prints what they met as JSON, line for line.

Runs with any Python and no package: `python3 load.py URL`. Half of the visitors keep their connections, as browsers do;
on one that the service closed while it was idle they ask again, as RFC 9112 section 9.3.1 allows; that is no failure.
"""

import http.client
import json
import sys
import threading
import time
from urllib.parse import urlsplit

VISITORS = 10
PATIENCE_S = 60
PATHS = ("/", "/health/live", "/banner", "/static/app.css")


class Visitor(threading.Thread):
    """Opens one page after the other and remembers what went wrong."""

    def __init__(self, address: str, number: int, ended: threading.Event) -> None:
        super().__init__(daemon=True)
        self.address = address
        self.keeps = number % 2 == 0
        self.ended = ended
        self.answered = 0
        self.longest_s = 0.0
        self.failures: list[str] = []

    def run(self) -> None:
        """Until told to end."""
        connection = http.client.HTTPConnection(self.address, timeout=PATIENCE_S)
        while not self.ended.is_set():
            path = PATHS[self.answered % len(PATHS)]
            began = time.monotonic()
            try:
                connection = self._ask(connection, path)
            except (OSError, http.client.HTTPException) as error:
                self.failures.append(f"{path}: {type(error).__name__}: {error}")
                connection.close()
            self.longest_s = max(self.longest_s, time.monotonic() - began)

    def _ask(self, connection: http.client.HTTPConnection, path: str) -> http.client.HTTPConnection:
        used = connection.sock is not None
        headers = {"Accept": "text/html", "Connection": "keep-alive" if self.keeps else "close"}
        try:
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
        except (ConnectionError, http.client.RemoteDisconnected):
            if not used:
                raise
            connection.close()
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
        body = answer.read()
        if answer.status >= 400 or (answer.status == 200 and not body):
            self.failures.append(f"{path}: {answer.status}")
        self.answered += 1
        return connection


def main() -> None:
    """Prints `{"answered": …, "longest_s": …, "failures": […]}` for each line of standard input, and when it closes."""
    ended = threading.Event()
    visitors = [Visitor(urlsplit(sys.argv[1]).netloc, number, ended) for number in range(VISITORS)]
    for visitor in visitors:
        visitor.start()
    for _ in sys.stdin:
        tell(visitors)
    ended.set()
    for visitor in visitors:
        visitor.join()
    tell(visitors)


def tell(visitors: list[Visitor]) -> None:
    """Prints what they have met so far."""
    met = {
        "answered": sum(visitor.answered for visitor in visitors),
        "longest_s": max(visitor.longest_s for visitor in visitors),
        "failures": [failure for visitor in visitors for failure in visitor.failures],
    }
    print(json.dumps(met), flush=True)


if __name__ == "__main__":
    main()
