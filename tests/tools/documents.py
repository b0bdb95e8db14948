"""`python -m tests.tools.documents`: writes into the documents what is told elsewhere already.

The table of reasons into docs/operations.md, from the one that the app reads; what a café costs and where the first
limit lies into docs/scaling.md, from docs/performance.md, where it was measured.
"""

from repaircafe.app import register_words
from repaircafe.environment import PROJECT
from repaircafe.neighbours.explanations import explain, neighbour_name
from repaircafe.neighbours.report import Neighbour, Reason
from tests.rigs.bench import hosts, model

OPERATIONS = PROJECT / "docs" / "operations.md"
SCALING = PROJECT / "docs" / "scaling.md"
PERFORMANCE = PROJECT / "docs" / "performance.md"


def reasons() -> str:
    """A row for each reason that a service has words of its own for; one for all services where they share them."""
    register_words()
    lines = ["| reason | about | what is said | what to do |", "|---|---|---|---|"]
    for reason in Reason:
        told: dict[tuple[str, str], list[str]] = {}
        for neighbour in Neighbour:
            words = explain(neighbour, reason)
            told.setdefault((str(words.sentence), str(words.cure)), []).append(str(neighbour_name(neighbour)))
        ours = explain(Neighbour.DB, Reason.INTERNAL).sentence
        for (sentence, cure), services in told.items():
            if sentence == str(ours) and reason is not Reason.INTERNAL:
                continue  # this service has no such reason
            about = "all" if len(services) == len(Neighbour) else ", ".join(services)
            lines.append(f"| `{reason.value}` | {about} | {sentence} | {cure} |")
    return "\n".join(lines) + "\n"


def with_reasons(text: str) -> str:
    """The document with the table as it is now."""
    return _with(text, "reasons", reasons())


def with_costs(text: str) -> str:
    """The document with what was measured last."""
    for mark, title in (("hosts", hosts.TITLE), ("model", model.TITLE)):
        table = PERFORMANCE.read_text().partition(f"## {title}\n")[2].partition("\n## ")[0]
        text = _with(text, mark, table.strip() + "\n")
    return text


def _with(text: str, mark: str, content: str) -> str:
    begin, end = f"<!-- {mark} -->\n", f"<!-- /{mark} -->\n"
    before, _, rest = text.partition(begin)
    return before + begin + "\n" + content + "\n" + end + rest.partition(end)[2]


if __name__ == "__main__":
    OPERATIONS.write_text(with_reasons(OPERATIONS.read_text()))
    SCALING.write_text(with_costs(SCALING.read_text()))
