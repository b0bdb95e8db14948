"""The names of models: how people paste them, which ones mean the same model, and which ones run outside."""

import re

_QUOTES = "\"'`\u2018\u2019\u201c\u201d\u201e\u00ab\u00bb"
_COMMAND = re.compile(
    rf"(?:^|[\s{_QUOTES}>$#])ollama(?:\.exe)?\s+(?:run|pull|show|cp|rm|stop)\s+"
    r"(?:(?:--(?:keepalive|format|dimensions)\s+\S+|--(?!(?:keepalive|format|dimensions)\s)\S+|-[a-z])\s+)*"
    rf"[{_QUOTES}]?(?P<name>[^\s{_QUOTES}-][^\s{_QUOTES}]*)(?:[\s{_QUOTES}].*)?$",
    re.DOTALL,
)
"""A command of Ollama's, also inside `docker exec` or a sentence, and also with a question behind the name. Three of
its options have a value behind a blank (its cmd/cmd.go)."""
_SCHEME = re.compile(r"^https?://", re.IGNORECASE)
_LIBRARY = re.compile(r"^(?:www\.)?(?:registry\.)?ollama\.(?:com|ai)/(?:library/)?", re.IGNORECASE)
_PAGES = re.compile(r"(?:/(?:tags|blobs(?:/[^/?#]*)?)?)*(?:[?#].*)?$")
"""What follows a name in the address of one of a model's pages at ollama.com."""


def cut(text: str) -> str:
    """The name in what people paste: a command such as `ollama run gemma3:1b`, or the address of a model's page."""
    before = ""
    while text != before:  # so that a cut name stays as it is
        before = text
        text = text.strip(f"{_QUOTES} ")
        if found := _COMMAND.search(text):
            text = found["name"]
        without_scheme = _SCHEME.sub("", text)
        named = _LIBRARY.sub("", without_scheme)
        if named != text:
            text = _PAGES.sub("", named)
    return text


def is_same(one: str, other: str) -> bool:
    """Whether Ollama takes two names for the same model: capitals do not count, and no tag means the tag `latest`.

    Ollama's own registry and its folder `library` may stand before the name.
    """
    return _full(one) == _full(other)


def is_cloud_model(name: str) -> bool:
    """Whether any Ollama server sends this model's questions to Ollama's makers (docs.ollama.com/cloud).

    The tag says it; without a tag we believe the name, since such a model in the building would be a surprise.
    """
    base, _, tag = name.lower().rpartition("/")[2].partition(":")
    said = base if tag in ("", "latest") else tag
    return tag == "cloud" or said.endswith("-cloud")


def _full(name: str) -> str:
    """The whole name without the registry and the folder that Ollama adds itself (its types/model/name.go)."""
    lowered = name.lower().removeprefix("registry.ollama.ai/").removeprefix("library/")
    return lowered if ":" in lowered.rpartition("/")[2] else f"{lowered}:latest"
