"""Measures open tabs: each loads the home page, then polls its banner as the page says."""

import html
import os
import re
import time
from dataclasses import dataclass

from tests.harness.server import Server
from tests.rigs.bench.figures import Figure, Table, spread
from tests.rigs.bench.health import BROWSER
from tests.rigs.bench.load import Visitor, get
from tests.rigs.bench.processes import Tree
from tests.rigs.bench.servers import Bare, Installed, Postgres, postgres

TITLE = "Open tabs"
LASTS_S = float(os.environ.get("TABS_S") or 60)
"""How long each number of tabs is measured, in seconds."""
IDLE_S = LASTS_S / 3
FEW, MANY = 10, 200
BUDGET = 0.03
"""As a share of a core, for FEW tabs."""
_BANNER = re.compile(r'hx-get="(/banner[^"]*)" hx-trigger="load delay:\d+s, every (\d+)s"')


class Tab:
    """One tab of a browser. It opens a new connection each time: the server closes one that is idle for 5 s."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._visitor: Visitor | None = None
        self._cookie = ""
        self.took_ms: list[float] = []
        self._follow(self._ask("/", **BROWSER))

    def poll(self) -> None:
        """Polls as htmx does. After 204 the banner stays; otherwise the new banner says what to poll next."""
        headers = {"Accept": "text/html", "HX_Request": "true", "HX_Current_URL": f"{self._server.url}/"}
        answer = self._ask(self.path, **headers, Accept_Language=BROWSER["Accept_Language"])
        if not answer.startswith("HTTP/1.1 204"):
            self._follow(answer)

    def close(self) -> None:
        """Closes the tab."""
        if self._visitor is not None:
            self._visitor.socket.close()

    def _follow(self, page: str) -> None:
        found = _BANNER.search(page)
        if found is None:
            raise AssertionError(page)
        self.path, self.every_s = html.unescape(found[1]), float(found[2])
        if (cookie := re.search(r"\r\nset-cookie: ([^;]+)", page, re.IGNORECASE)) is not None:
            self._cookie = cookie[1]

    def _ask(self, path: str, **headers: str) -> str:
        self.close()
        self._visitor = Visitor(self._server.port)
        self._visitor.ask(get(path, **headers, **({"Cookie": self._cookie} if self._cookie else {})))
        while (took := self._visitor.take()) is None:
            pass
        self.took_ms.append(took)
        return self._visitor.received.decode()


@dataclass(frozen=True)
class Minute:
    """Processor time as a share of a core, and how long each poll took."""

    app: float
    bare: float
    database: float
    took_ms: list[float]


def measure() -> Table:
    """Measures the table; takes a little more than two minutes."""
    with postgres() as database:
        target = database.database("cafe")
        with Installed(database.folder, target) as ours, Bare(database.folder, target) as bare:
            idle = _watch(ours, bare, database, 0, IDLE_S)
            few, many = (_watch(ours, bare, database, number, LASTS_S) for number in (FEW, MANY))
    return _table(idle, few, many)


def _watch(ours: Server, bare: Server, database: Postgres, number: int, lasts_s: float) -> Minute:
    """Opens `number` tabs, spreads their polls evenly, and measures for `lasts_s` seconds."""
    tabs = [Tab(ours) for _ in range(number)]
    pause_s = tabs[0].every_s / number if tabs else lasts_s
    trees = [Tree(ours.pid), Tree(bare.pid), database.tree]
    before, began = [tree.cpu_s() for tree in trees], time.monotonic()
    for step in range(round(lasts_s / pause_s) if tabs else 0):
        time.sleep(max(0.0, began + step * pause_s - time.monotonic()))
        tabs[step % number].poll()
        _ask_bare(bare)
    time.sleep(max(0.0, began + lasts_s - time.monotonic()))
    passed_s = time.monotonic() - began
    app, plain, stored = ((tree.cpu_s() - was) / passed_s for tree, was in zip(trees, before, strict=True))
    for tab in tabs:
        tab.close()
    return Minute(app, plain, stored, [took for tab in tabs for took in tab.took_ms[1:]])


def _ask_bare(bare: Server) -> None:
    """Sends one request to the bare route."""
    visitor = Visitor(bare.port)
    visitor.ask(get("/health"))
    while visitor.take() is None:
        pass
    visitor.socket.close()


def _table(idle: Minute, few: Minute, many: Minute) -> Table:
    figures = [Figure("no tab", _share(idle.app), _share(idle.bare), "none", None)]
    for number, minute in ((FEW, few), (MANY, many)):
        budget = f"at most {BUDGET:.0%} of a core" if minute is few else "none"
        kept = minute.app <= BUDGET if minute is few else None
        figures += [
            Figure(f"{number} tabs", _share(minute.app), _share(minute.bare), budget, kept),
            Figure(f"{number} tabs, PostgreSQL", _share(minute.database), _share(idle.database), "none", None),
            Figure(f"{number} tabs, a poll's answer", spread(minute.took_ms, "ms"), "", "none", None),
        ]
    return Table(
        TITLE,
        f"Processor time of all the app's processes as a share of one core, over {LASTS_S:.0f} s. Each tab opens the"
        " home page and polls its banner as often as the page says. Each poll uses a new connection, as in a browser"
        " whose idle connection was closed. The reference is the bare route with the same number of requests in the"
        f" same time; PostgreSQL's reference is itself without a tab, over {IDLE_S:.0f} s.",
        tuple(figures),
    )


def _share(share: float) -> str:
    return f"{share:.2%}"
