"""A long text is cut at the widest gaps that do, and loses nothing but the gaps."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from engine.data.cut_text import cut_text


def count(texts: Sequence[str]) -> list[int]:
    """A token a word, and one for each further ten characters of a word."""
    return [sum(1 + len(word) // 10 for word in text.split()) for text in texts]


def test_a_text_that_fits_stays_whole() -> None:
    assert cut_text(" One two.\n\nThree. ", 3, count) == ["One two.\n\nThree."]


def test_paragraphs_come_first() -> None:
    text = "One two three. Four.\n\nFive six.\n\nSeven."
    assert cut_text(text, 4, count) == ["One two three. Four.", "Five six.\n\nSeven."]


def test_sentences_come_before_words() -> None:
    text = "One two three. Four five! Six seven eight nine? Ten."
    assert cut_text(text, 5, count) == ["One two three. Four five!", "Six seven eight nine? Ten."]
    assert cut_text("日本語です。船は来ます。", 1, count) == ["日本語です。", "船は来ます。"]


def test_a_sentence_too_long_is_cut_between_words_and_a_word_anywhere() -> None:
    assert cut_text("one two three four five", 2, count) == ["one two", "three four", "five"]
    pieces = cut_text("x" * 95, 3, count)
    assert "".join(pieces) == "x" * 95
    assert all(tokens <= 3 for tokens in count(pieces))


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 20, 50])
def test_nothing_is_lost_and_every_piece_fits(limit: int) -> None:
    text = "\n\n".join(
        " ".join(f"Sentence {n} of paragraph {p} says {'very ' * (n % 4)}little." for n in range(p))
        for p in range(1, 9)
    )
    pieces = cut_text(text, limit, count)
    assert " ".join(pieces).split() == text.split()
    assert max(count(pieces)) <= max(limit, 2)
