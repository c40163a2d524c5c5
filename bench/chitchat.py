"""Write conversations between people, of the PyPI package `chitchat-dataset` (MIT), as a file of `messages`.

The first to write is the user, the other the assistant; lines that one of them sends in a row are one turn.

    pip install --no-deps --target /tmp/chitchat chitchat-dataset
    python bench/chitchat.py /tmp/chitchat/chitchat_dataset/dataset.json 300 > chats.jsonl
"""

from __future__ import annotations

import json
import sys
from itertools import groupby
from pathlib import Path
from typing import Any


def as_messages(conversation: dict[str, Any]) -> list[dict[str, str]]:
    """Return the turns of one conversation of the data set in order."""
    said = [line for part in conversation["messages"] for line in part if line["text"].strip()]
    turns = [(who, "\n".join(line["text"].strip() for line in lines)) for who, lines in groupby(said, _sender)]
    first = turns[0][0] if turns else ""
    return [{"role": "user" if who == first else "assistant", "content": text} for who, text in turns]


def _sender(line: dict[str, str]) -> str:
    return line["sender"]


def main() -> None:
    path, count = Path(sys.argv[1]), int(sys.argv[2])
    found = map(as_messages, json.loads(path.read_text(encoding="utf-8")).values())
    long_enough = (turns for turns in found if len(turns) >= 4 and len({turn["role"] for turn in turns}) == 2)
    for turns, _ in zip(long_enough, range(count), strict=False):
        print(json.dumps({"messages": turns}, ensure_ascii=False))


if __name__ == "__main__":
    main()
