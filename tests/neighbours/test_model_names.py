"""repaircafe.neighbours.model_names: what is pasted as a name, and which names mean the same model."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repaircafe.neighbours.model_names import cut, is_cloud_model, is_same


@pytest.mark.parametrize(
    ("pasted", "name"),
    [
        ("gemma3:1b", "gemma3:1b"),
        ("ollama run gemma3:1b", "gemma3:1b"),
        ("ollama pull gemma3", "gemma3"),
        ("$ ollama run --verbose gemma3:1b 'Why is the sky blue?'", "gemma3:1b"),
        ("sudo docker exec -it repaircafe-ollama ollama run gemma3:1b", "gemma3:1b"),
        ("https://ollama.com/library/gemma3", "gemma3"),
        ("https://ollama.com/library/gemma3:1b", "gemma3:1b"),
        ("https://www.ollama.com/library/gemma3/", "gemma3"),
        ("https://ollama.com/library/gemma3/tags", "gemma3"),
        ("https://ollama.com/library/gemma3:1b/blobs/7cd4618c1faf", "gemma3:1b"),
        ("ollama.com/library/gemma3?sort=newest#readme", "gemma3"),
        ("https://ollama.com/somebody/model:q4", "somebody/model:q4"),
        ("ollama run hf.co/somebody/Small-GGUF:Q4_K_M", "hf.co/somebody/Small-GGUF:Q4_K_M"),
        ("https://huggingface.co/somebody/Small-GGUF", "huggingface.co/somebody/Small-GGUF"),
        ("ollama run --keepalive 5m gemma3:1b", "gemma3:1b"),
        ("ollama run --keepalive=5m --format json --verbose gemma3:1b hi", "gemma3:1b"),
        ("ollama run --keepalive 5m", "ollama run --keepalive 5m"),
        ('ollama run gemma3:1b --verbose "hi"', "gemma3:1b"),
        ('ollama run "gemma3:1b" "hi"', "gemma3:1b"),
        ("ollama.exe pull 'gemma3:1b'", "gemma3:1b"),
        ("Try `ollama run gemma3:1b`.", "gemma3:1b"),
        ("C:\\>ollama run gemma3:1b", "gemma3:1b"),
        ("`gemma3:1b`", "gemma3:1b"),
        ("\u201cgemma3:1b\u201d", "gemma3:1b"),
        ("'ollama pull gemma3'", "gemma3"),
        ("HTTPS://Ollama.com/Library/Gemma3:1B", "Gemma3:1B"),
        ("https://ollama.com/library/gemma3/tags/?sort=newest", "gemma3"),
        ("https://ollama.com/library/gemma3/blobs/7cd4618c1faf/#readme", "gemma3"),
        ("ollama", "ollama"),
        ("ollama run", "ollama run"),
        ("", ""),
    ],
)
def test_a_pasted_command_or_address_is_cut_to_the_name(pasted: str, name: str) -> None:
    assert cut(pasted) == name


PARTS = ["ollama", "run", " ", "https://", "ollama.com/", "library/", "a", "/", ":", "-", "?", "`", '"', "--format"]


@given(st.lists(st.sampled_from(PARTS)))
def test_a_cut_name_stays_as_it_is(parts: list[str]) -> None:
    once = cut("".join(parts))
    assert cut(once) == once


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("a", "a", True),
        ("a", "a:latest", True),
        ("a:latest", "a", True),
        ("SmolLM2:135M", "smollm2:135m", True),
        ("A", "a:Latest", True),
        ("host:5000/a", "host:5000/a:latest", True),
        ("library/a", "a", True),
        ("registry.ollama.ai/library/a:latest", "a", True),
        ("Registry.Ollama.AI/somebody/a:1b", "somebody/a:1b", True),
        ("hf.co/library/a", "a", False),
        ("somebody/library/a", "somebody/a", False),
        ("registry.ollama.ai/somebody/a", "a", False),
        ("a:1b", "a", False),
        ("", "a", False),
    ],
)
def test_capitals_the_tag_latest_and_ollamas_own_registry_do_not_count(one: str, other: str, same: bool) -> None:
    assert is_same(one, other) is is_same(other, one) is same


def test_a_cloud_model_is_known_by_its_tag_or_without_one_by_its_name() -> None:
    tagged = ("gpt-oss:120b-cloud", "us/gemma4:Cloud", "qwen3-coder:480b-cloud", "glm-4.6:cloud")
    untagged = ("gpt-oss-cloud", "us/gpt-oss-Cloud", "gpt-oss-cloud:latest")
    assert all(map(is_cloud_model, (*tagged, *untagged)))
    others = ("cloud", "cloud:1b", "my-cloud/small", "small:cloudy", "my-cloud:1b", "cloudy")
    assert not any(map(is_cloud_model, others))
