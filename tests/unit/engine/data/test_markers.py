"""Control markers are found, and what only looks like one is not."""

from __future__ import annotations

import pytest

from engine.data.formats.markers import find_marker


@pytest.mark.parametrize(
    ("text", "marker"),
    [
        ("<|im_start|>user\nhi<|im_end|>", "<|im_start|>"),
        ("North quay.<|endoftext|>", "<|endoftext|>"),
        ("<|begin_of_text|><|start_header_id|>user<|end_header_id|>", "<|begin_of_text|>"),
        ("so<|eot_id|>", "<|eot_id|>"),
        ("<s>[INST] hi [/INST] so </s>", "<s>"),
        ("hi [INST]", "[INST]"),
        ("<<SYS>>\nBe kind.\n<</SYS>>", "<<SYS>>"),
        ("North quay.</s>", "</s>"),
        ("<start_of_turn>user\nhi<end_of_turn>", "<start_of_turn>"),
        ("### Instruction:\nSay.\n\n### Response:\nSaid.", "### Instruction:"),
        ("### Human: hi", "### Human:"),
        ("Hello.\nUSER: hi ASSISTANT: so", "USER:"),
        ("<|user|>\nhi\n<|assistant|>", "<|user|>"),
        ("<bos>hi", "<bos>"),
        ("<｜User｜>hi", "<｜User｜>"),
    ],
)
def test_a_marker_is_found(text: str, marker: str) -> None:
    assert find_marker(text) == marker


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Where is the ferry moored?",
        "### Response times\nare short.",
        "## Instruction:",
        "The user: a person. ASSISTANT: is a word here.",
        "this is <s>struck</s> through",
        "<s>struck</s> through, at the beginning",
        "a <| b |> c",
        "x[INSTANCE] = 1; y[i]",
        "if a < b and c > d: return <span>",
        "<system>hi</system>",
        "a list: [1, 2]",
    ],
)
def test_what_is_no_marker_is_kept(text: str) -> None:
    assert find_marker(text) == ""
