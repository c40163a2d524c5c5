"""No text of a model or a file can steer a terminal."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luna_tui.common.safe_text import safe_for_pipe, safe_line, safe_text


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("plain text, 3 × 4 = 12 — “quoted”", "plain text, 3 × 4 = 12 — “quoted”"),
        ("two\nlines\tand a tab", "two\nlines\tand a tab"),
        ("\x1b[31mred\x1b[0m", "␛[31mred␛[0m"),
        ("\x1b]0;title\x07", "␛]0;title␇"),
        ("back\rspace\x08", "back␍space␈"),
        ("nul\x00del\x7f", "nul␀del␡"),
        ("\x9b31m c1 csi", "<U+009B>31m c1 csi"),
        ("abc\u202edcb", "abc<U+202E>dcb"),
        ("a\u200bb\u200dc\ufeffd\u00ade", "a<U+200B>b<U+200D>c<U+FEFF>d<U+00AD>e"),
        ("line\u2028sep\u2029par", "line<U+2028>sep<U+2029>par"),
        ("tag\U000e0041", "tag<U+E0041>"),
        ("lone\ud800", "lone<U+D800>"),
        ("hangul filler\u3164", "hangul filler<U+3164>"),
        ("日本語 العربية 🚀", "日本語 العربية 🚀"),
        ("[bold red]markup[/]", "[bold red]markup[/]"),
    ],
)
def test_table(raw: str, shown: str) -> None:
    assert safe_text(raw) == shown


ANY = st.text(st.characters(exclude_categories=[]), max_size=80)


@given(ANY)
def test_nothing_that_steers_or_hides_is_left(text: str) -> None:
    safe = safe_text(text)
    assert not [c for c in safe if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") and c not in "\n\t"]
    assert not set(safe) & set(
        "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200b\u200c\u200d\u200e\u200f\ufeff"
    )
    safe.encode("utf-8")


@given(ANY, st.integers(0, 80))
def test_pieces_of_a_stream_are_as_safe_as_the_whole(text: str, cut: int) -> None:
    assert safe_text(text[:cut]) + safe_text(text[cut:]) == safe_text(text)


@given(ANY)
def test_safe_twice_is_safe_once(text: str) -> None:
    assert safe_text(safe_text(text)) == safe_text(text)


@given(ANY)
def test_a_line_is_one_line(text: str) -> None:
    assert len(safe_line(text).splitlines()) <= 1


@given(ANY)
def test_a_pipe_keeps_everything_but_controls(text: str) -> None:
    piped = safe_for_pipe(text)
    assert not [c for c in piped if unicodedata.category(c) == "Cc" and c not in "\n\t"]
    if not any(unicodedata.category(c) == "Cc" for c in text):
        assert piped == text
