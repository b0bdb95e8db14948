"""`python -m tests.documents`: writes the table of reasons into docs/operations.md, from the one that the app reads."""

from repaircafe.environment import PROJECT
from repaircafe.neighbours import SERVICE_NAMES, Reason, Service, explain

OPERATIONS = PROJECT / "docs" / "operations.md"
BEGIN, END = "<!-- reasons -->\n", "<!-- /reasons -->\n"


def reasons() -> str:
    """A row for each reason that a service has words of its own for; one for all services where they share them."""
    lines = ["| reason | about | what is said | what to do |", "|---|---|---|---|"]
    for reason in Reason:
        told: dict[tuple[str, str], list[str]] = {}
        for service in Service:
            words = explain(service, reason)
            told.setdefault((str(words.sentence), str(words.cure)), []).append(str(SERVICE_NAMES[service]))
        ours = explain(Service.DB, Reason.INTERNAL).sentence
        for (sentence, cure), services in told.items():
            if sentence == str(ours) and reason is not Reason.INTERNAL:
                continue  # this service has no such reason
            about = "all" if len(services) == len(Service) else ", ".join(services)
            lines.append(f"| `{reason.value}` | {about} | {sentence} | {cure} |")
    return "\n".join(lines) + "\n"


def with_reasons(text: str) -> str:
    """The document with the table as it is now."""
    before, _, rest = text.partition(BEGIN)
    return before + BEGIN + "\n" + reasons() + "\n" + END + rest.partition(END)[2]


if __name__ == "__main__":
    OPERATIONS.write_text(with_reasons(OPERATIONS.read_text()))
