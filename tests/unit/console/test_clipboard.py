"""What is copied arrives at the terminal, bare and through tmux, and is never sent where it does harm."""

from __future__ import annotations

import base64

from luna_tui.console.clipboard import MOST_BYTES, copy_sequence

PLAIN = {"TERM": "xterm-256color"}


def test_the_text_is_sent_as_osc_52() -> None:
    encoded = base64.b64encode("Fähre\n".encode()).decode()
    assert copy_sequence("Fähre\n", PLAIN) == f"\x1b]52;c;{encoded}\a"


def test_inside_tmux_it_is_sent_bare_and_wrapped() -> None:
    bare = copy_sequence("so", PLAIN)
    sequence = copy_sequence("so", PLAIN | {"TMUX": "/tmp/tmux-0/default,1,0"})
    assert sequence == bare + "\x1bPtmux;\x1b" + bare + "\x1b\\"


def test_nothing_is_sent_where_the_terminal_has_no_clipboard_or_the_text_is_too_long() -> None:
    assert copy_sequence("so", {"TERM": "linux"}) == ""
    assert copy_sequence("x" * MOST_BYTES, PLAIN) == ""
    assert copy_sequence("x" * (MOST_BYTES // 4 * 3 - 3), PLAIN)
