"""A conversation becomes as few windows as fit, each answer learned once, with the history that fits."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest

from engine.core.errors import UsageError
from engine.data.messages import Message
from engine.data.rows import Row, make_chat, make_row
from engine.training.job import IGNORED, Example
from engine.training.tokenize_rows import Specials, encode_rows
from engine.training.windows import TurnLengths, Window, plan_windows

BOS, EOS = 1, 2
FIRST = 0x4E00  # thousands of letters without white space among them


def tokenize(texts: Sequence[str]) -> list[list[int]]:
    """One id a character."""
    return [[ord(mark) for mark in text] for text in texts]


def chat(lengths: Sequence[int], unlearned: Sequence[int] = ()) -> Row:
    """A conversation of turns with so many characters, the user's first; every turn has a letter of its own."""
    turns = [
        Message("user" if at % 2 == 0 else "assistant", chr(FIRST + at) * length, at not in unlearned)
        for at, length in enumerate(lengths)
    ]
    return make_chat(turns, stage="voice", source="chats.jsonl:3")


def encode(row: Row, context: int, bos: int | None = None) -> tuple[Example, ...]:
    (sequences,) = encode_rows([row], tokenize, Specials(bos, EOS), context)
    return sequences


def targets(example: Example) -> list[tuple[str, int]]:
    """Each predicted id with the ids before it: what the model learns."""
    return [("".join(map(chr, example.ids[:at])), label) for at, label in enumerate(example.labels) if label != IGNORED]


def test_a_conversation_that_fits_is_one_sequence_that_teaches_what_its_expanded_rows_teach() -> None:
    row = chat([3, 4, 2, 5, 1, 3])
    (example,) = encode(row, 64)
    texts = [turn.text for turn in row.turns]
    expanded = [make_row("\n".join(texts[:at]), texts[at]) for at in (1, 3, 5)]
    wanted = [pair for (one,) in encode_rows(expanded, tokenize, Specials(None, EOS), 64) for pair in targets(one)]
    assert targets(example) == wanted
    assert example.repeated == 0


def test_no_eos_stands_inside_a_history() -> None:
    for example in (*encode(chat([3, 4, 2, 5, 1, 3]), 64, BOS), *encode(chat([9] * 20), 64, BOS)):
        assert example.ids.count(EOS) == 1
        assert example.ids[-1] == EOS
        assert example.ids[0] == BOS


def test_an_answer_not_to_be_learned_is_history_and_never_a_target() -> None:
    row = chat([3, 4, 2, 5], unlearned=[1])
    (example,) = encode(row, 64)
    assert "".join(map(chr, example.ids[:-1])) == "\n".join(turn.text for turn in row.turns)
    assert [label for _, label in targets(example)] == [ord("\n"), *[FIRST + 3] * 5, EOS]


def test_each_answer_is_learned_once_in_windows_that_begin_with_a_persons_turn() -> None:
    row = chat([9] * 20)
    sequences = encode(row, 64)
    windows = [example.window for example in sequences]
    assert all(len(example.ids) <= 64 for example in sequences)
    learned = [at for window in windows if window for at in range(window.learned_from, window.end, 2)]
    assert learned == list(range(1, 20, 2))
    assert all(window and window.start % 2 == 0 for window in windows)
    text = "".join(chr(label) for example in sequences for label in example.labels if label not in (IGNORED, EOS))
    assert text == "".join("\n" + turn.text for turn in row.turns[1::2])


def test_windows_are_few_and_leave_room_for_history() -> None:
    lengths = TurnLengths([9] * 20, [10] * 20)
    windows = plan_windows(lengths, range(1, 20, 2), capacity=62)
    # Six turns fit. The first window takes them all, the others four at most, behind two of the window before.
    assert windows == (Window(0, 1, 6), Window(4, 7, 10), Window(8, 11, 14), Window(12, 15, 18), Window(14, 19, 20))


def test_an_answer_too_long_to_leave_room_stands_alone() -> None:
    windows = plan_windows(TurnLengths([9, 9, 9, 50], [10, 10, 10, 51]), [1, 3], capacity=62)
    assert windows == (Window(0, 1, 2), Window(2, 3, 4))


def test_unlearned_turns_before_the_first_answer_are_its_history() -> None:
    assert plan_windows(TurnLengths([9] * 6, [10] * 6), [5], capacity=62) == (Window(0, 5, 6),)
    assert plan_windows(TurnLengths([9] * 6, [10] * 6), [5], capacity=40) == (Window(2, 5, 6),)


@pytest.mark.parametrize("seed", range(40))
def test_any_conversation_is_cut_soundly(seed: int) -> None:
    draw = random.Random(seed)
    lengths = [draw.randint(1, 20) for _ in range(2 * draw.randint(2, 40))]
    unlearned = [at for at in range(1, len(lengths), 2) if draw.random() < 0.2]
    unlearned = unlearned[: len(lengths) // 2 - 1]
    row, capacity = chat(lengths, unlearned), 60
    answers = [at for at, turn in enumerate(row.turns) if turn.role == "assistant" and turn.learned]
    counts = [len(turn.text) for turn in row.turns]
    windows = plan_windows(TurnLengths(counts, [n + 1 for n in counts]), answers, capacity)
    taught = [at for w in windows for at in answers if w.learned_from <= at < w.end]
    assert taught == answers
    for window in windows:
        size = sum(counts[window.start : window.end]) + (window.end - window.start - 1)
        assert size <= capacity
        earlier = max(0, window.start - 2)
        if window.start:
            assert sum(counts[earlier : window.end]) + (window.end - earlier - 1) > capacity, "more history would fit"


def test_repeated_history_is_counted() -> None:
    sequences = encode(chat([9] * 20), 64)
    whole = sum(len(turn.text) + 1 for turn in chat([9] * 20).turns) - 1
    fed = sum(len(example.ids) - 1 for example in sequences)
    begun_later = len(sequences) - 1  # the line break before a window's first turn is not fed
    assert fed - sum(example.repeated for example in sequences) >= whole - begun_later
    assert sequences[0].repeated == 0
    assert all(example.repeated for example in sequences[1:])


def test_an_answer_that_does_not_fit_with_its_prompt_is_named() -> None:
    with pytest.raises(UsageError, match=r"chats\.jsonl:3 \(an answer and its prompt take 61 tokens, more than 47\)"):
        encode(chat([3, 4, 30, 30]), 48)


def test_the_tokens_grow_with_the_text_and_not_with_its_square() -> None:
    short, long = encode(chat([9] * 20), 64), encode(chat([9] * 200), 64)
    assert sum(len(e.ids) for e in long) <= 14 * sum(len(e.ids) for e in short)
