"""`python -m tests.tools.documents`: writes into the documents what is told elsewhere already.

The table of reasons into docs/operations.md, from the one that the app reads; what a café costs and where the first
limit lies into docs/scaling.md, from docs/performance.md, where it was measured.
"""

from repaircafe.app import register_words
from repaircafe.environment import PROJECT
from repaircafe.mail import explanations as mail_explanations
from repaircafe.mail import imap_explanations
from repaircafe.neighbours.explanations import Explanation, explain, neighbour_name
from repaircafe.neighbours.report import Neighbour, Reason
from tests.rigs.bench import hosts, model

OPERATIONS = PROJECT / "docs" / "operations.md"
SCALING = PROJECT / "docs" / "scaling.md"
KINDS_OF_MAIL = ("Mail (Gmail)", "Mail (IMAP)")
PERFORMANCE = PROJECT / "docs" / "performance.md"


def reasons() -> str:
    """A row for each reason that a service has words of its own for; one for all services where they share them."""
    lines = ["| reason | about | what is said | what to do |", "|---|---|---|---|"]
    spoken = [*_spoken(Neighbour.DB, Neighbour.LLM), *_spoken_of_mail()]
    for reason in Reason:
        told: dict[tuple[str, str], list[str]] = {}
        for name, words in spoken:
            told.setdefault((str(words[reason].sentence), str(words[reason].cure)), []).append(name)
        ours = str(explain(Neighbour.DB, Reason.INTERNAL).sentence)
        for (sentence, cure), services in told.items():
            if sentence == ours and reason is not Reason.INTERNAL:
                continue  # this service has no such reason
            about = "all" if len(services) == len(spoken) else ", ".join(services)
            about = about.replace(", ".join(KINDS_OF_MAIL), "Mail")
            lines.append(f"| `{reason.value}` | {about} | {sentence} | {cure} |")
    return "\n".join(lines) + "\n"


def _spoken(*neighbours: Neighbour) -> list[tuple[str, dict[Reason, Explanation]]]:
    register_words()
    return [(str(neighbour_name(one)), {reason: explain(one, reason) for reason in Reason}) for one in neighbours]


def _spoken_of_mail() -> list[tuple[str, dict[Reason, Explanation]]]:
    """Its words for each kind of mailbox."""
    found = []
    for kind, words in zip(KINDS_OF_MAIL, (mail_explanations.WORDS, imap_explanations.WORDS), strict=True):
        register_words(words)
        found.append((kind, {reason: explain(Neighbour.MAIL, reason) for reason in Reason}))
    register_words()
    return found


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
