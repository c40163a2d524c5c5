"""Control markers of chat templates in a text: a raw prompt has none, so a model that learns them writes them."""

from __future__ import annotations

import re

_MARKERS = re.compile(
    r"""
      <\|[a-z][a-z0-9_ ]{1,40}\|>                   # ChatML, Llama 3, Phi, GPT: <|im_start|>, <|eot_id|>, <|endoftext|>
    | <｜[^<>｜\n]{1,40}｜>                           # DeepSeek, with full-width bars
    | </?(?:start|end)_of_turn>                     # Gemma
    | \[/?INST\] | <<SYS>> | <</SYS>>               # Llama 2, Mistral
    | \[/?(?:AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS)\]
    # Alpaca, Vicuna
    | (?:\A|(?<=\n))\#\#\#[ ](?:Instruction|Response|Input|Human|Assistant|User|System):[ ]*(?=\n|\Z|\S)
    | (?:\A|(?<=\n))(?:USER|ASSISTANT):[ ]          # Vicuna 1.1
    | \A\s*<(?:s|bos)>(?=\s|\[|\S) | </s>\s*\Z | <(?:bos|eos|pad|unk)>
    """,
    re.VERBOSE,
)
_OPENED = re.compile(r"<s>")


def find_marker(text: str) -> str:
    """Return the first control marker in a text, "" where there is none.

    `<s>` and `</s>` count only as the first or last thing of a text, since they also strike text through in HTML: then
    both are there.
    """
    if "<" not in text and "[" not in text and "#" not in text and ":" not in text:
        return ""
    for found in _MARKERS.finditer(text):
        marker = found[0].strip()
        if marker == "</s>" and len(_OPENED.findall(text)) > 0 and not text.lstrip().startswith("<s>"):
            continue
        if marker == "<s>" and "</s>" in text and not text.rstrip().endswith("</s>"):
            continue
        return marker
    return ""
