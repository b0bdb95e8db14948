"""Writes a real GGUF model of half a megabyte with random weights: it speaks words, and means nothing by them.

Run by the environment of the model server, which has the `gguf` package: `python tiny_model.py FILE [LAYERS WIDTH]`.
With more layers and width it is as slow as a model that means something.
"""

import sys
from typing import Any

import gguf
import numpy as np

LAYERS, WIDTH, HEAD_WIDTH, CONTEXT = 2, 64, 16, 2048
WORDS = (
    *(
        "the",
        "we",
        "you",
        "it",
        "is",
        "can",
        "repair",
        "toaster",
        "lamp",
        "bicycle",
        "bring",
        "ask",
        "volunteer",
        "yes",
    ),
    *(
        "no",
        "and",
        "or",
        "with",
        "for",
        "in",
        "on",
        "at",
        "please",
        "clothes",
        "chair",
        "radio",
        "open",
        "closed",
        "today",
    ),
)
CONTROL = ("<unk>", "<s>", "</s>")
TEMPLATE = "{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}\n{% endfor %}assistant:"
WORD_SCALE = 4.0
"""The words' output rows are larger than the bytes', so that the random model says words, not bytes."""


def write(path: str, layers: int = LAYERS, width: int = WIDTH) -> None:
    """Writes the model; the same weights each time."""
    feed, heads = 2 * width, width // HEAD_WIDTH
    letters = [f"▁{letter}" for letter in "abcdefghijklmnop"]
    words = [f"▁{word}" for word in WORDS]
    tokens = [*CONTROL, *(f"<0x{byte:02X}>" for byte in range(256)), *words, *letters]
    kinds = [gguf.TokenType.UNKNOWN, gguf.TokenType.CONTROL, gguf.TokenType.CONTROL]
    kinds += [gguf.TokenType.BYTE] * 256 + [gguf.TokenType.NORMAL] * (len(words) + len(letters))

    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name("tiny")
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(width)
    writer.add_block_count(layers)
    writer.add_feed_forward_length(feed)
    writer.add_head_count(heads)
    writer.add_head_count_kv(heads)
    writer.add_rope_dimension_count(HEAD_WIDTH)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    writer.add_tokenizer_model("llama")
    writer.add_token_list(tokens)
    writer.add_token_scores([0.0] * len(tokens))
    writer.add_token_types(kinds)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_chat_template(TEMPLATE)

    random = np.random.default_rng(7)

    def matrix(rows: int, columns: int) -> Any:
        return (random.standard_normal((rows, columns)) / columns**0.5).astype(np.float32)

    writer.add_tensor("token_embd.weight", matrix(len(tokens), width))
    output = matrix(len(tokens), width)
    output[259:] *= WORD_SCALE
    writer.add_tensor("output.weight", output)
    writer.add_tensor("output_norm.weight", np.ones(width, np.float32))
    for layer in range(layers):
        for name in ("attn_norm", "ffn_norm"):
            writer.add_tensor(f"blk.{layer}.{name}.weight", np.ones(width, np.float32))
        for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
            writer.add_tensor(f"blk.{layer}.{name}.weight", matrix(width, width))
        writer.add_tensor(f"blk.{layer}.ffn_gate.weight", matrix(feed, width))
        writer.add_tensor(f"blk.{layer}.ffn_up.weight", matrix(feed, width))
        writer.add_tensor(f"blk.{layer}.ffn_down.weight", matrix(width, feed))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


if __name__ == "__main__":
    write(sys.argv[1], *(int(number) for number in sys.argv[2:]))
