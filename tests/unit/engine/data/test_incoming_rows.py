"""Rows on their way in: each once, near duplicates told apart from new facts, personal data masked."""

from __future__ import annotations

import json

import pytest

from engine.core.errors import UsageError
from engine.data.incoming.data_line import data_line
from engine.data.incoming.near_duplicates import NearDuplicates
from engine.data.incoming.redact import Redactor
from engine.data.incoming.sieve import Sieve, Tally
from engine.data.messages import Message
from engine.data.parsers import parse_record
from engine.data.rows import Row, make_chat, make_row

LONG = "The harbour opens when the bell has rung twice and the mate has looked at the sky for a while"


def row(prompt: str, response: str, source: str = "a:1", **more: float) -> Row:
    return make_row(prompt, response, source=source, karma=more.get("karma"))


@pytest.mark.parametrize(
    ("prompt", "response", "near"),
    [
        ("when does it open", f"{LONG.upper()}!", True),
        ("When does it open?", f"{LONG}, too", True),
        ("When does it open?", f"{LONG} at 7", False),
        ("When does it open?", LONG.replace("has rung", "has not rung"), False),
        ("When does it open?", LONG.replace("has looked", "hasn't looked"), False),
        ("When does it open?", LONG.replace("twice", "three times"), False),
        ("Tell me the hours of the harbour.", LONG, False),
        ("When does it open?", "At six.", False),
    ],
)
def test_what_says_nearly_the_same(prompt: str, response: str, near: bool) -> None:
    met = NearDuplicates()
    assert met.meet(row("When does it open?", LONG, "first:1")) == ""
    assert met.meet(row(prompt, response, "second:1")) == ("first:1" if near else "")


def test_texts_and_conversations_are_compared_too() -> None:
    met = NearDuplicates()
    assert met.meet(make_row("", LONG * 3, kind="text", source="a:1")) == ""
    assert met.meet(make_row("", LONG * 3 + "!", kind="text", source="a:2")) == "a:1"
    turns = [Message("user", "Hello there, harbour"), Message("assistant", LONG), Message("user", "And then?")]
    assert met.meet(make_chat([*turns, Message("assistant", LONG)], source="a:3")) == ""
    assert met.meet(make_chat([*turns, Message("assistant", LONG + ".")], source="a:4")) == "a:3"


def test_a_row_comes_in_once_and_ratings_count() -> None:
    sieve, tally = Sieve(), Tally()
    sieve.know(row("Who?", "Luna."))
    assert sieve.sift(row("Who?", "Luna."), tally) is None
    assert sieve.sift(row("Where?", "Here."), tally) is not None
    assert sieve.sift(row("Where?", "Here."), tally) is None
    assert sieve.sift(row("Where?", "Here.", karma=1), tally) is not None, "a rating of it is new"
    assert sieve.sift(row("Where?", "Here.", karma=1), tally) is None
    assert sieve.sift(row("Where?", "Here.", karma=-1), tally) is not None, "and so is another one"
    assert (tally.known, tally.repeated, tally.near, tally.taken["qa"]) == (2, 1, 0, 3)


def test_of_a_conversation_that_went_on_only_the_new_answers_count() -> None:
    turns = [Message("user", "Who?"), Message("assistant", "Luna."), Message("user", "Why?")]
    sieve, tally = Sieve(), Tally()
    sieve.know(make_chat(turns[:2]))
    taken = sieve.sift(make_chat([*turns, Message("assistant", "Because.")]), tally)
    assert taken is not None
    assert taken.answers == ("Because.",)
    assert (tally.known, tally.taken["chat"]) == (1, 1)


@pytest.mark.parametrize(
    "made",
    [
        make_row("Who?", "    indented()\n  end", accept=("x",), topic="t", karma=2, score="match"),
        make_row("", "A text.\n\nOf two paragraphs.", kind="text"),
        make_chat(
            [
                Message("user", "Who?"),
                Message("assistant", "Not this.", learned=False),
                Message("user", "Why?"),
                Message("assistant", "Ünd?"),
            ]
        ),
    ],
)
def test_a_line_is_read_as_the_row_it_was_written_from(made: Row) -> None:
    (again,) = parse_record(json.loads(data_line(made)), stage="", source="").rows
    assert again == made


@pytest.mark.parametrize(
    ("region", "text", "masked"),
    [
        ("US", "call +1 555 123 4567 now", "call [phone] now"),
        ("US", "(555) 123-4567 or 555-123-4567", "[phone] or [phone]"),
        ("US", "tel 202 555 0143.", "tel [phone]."),
        ("DE", "0170 1234567, 030 / 1234567", "[phone], [phone]"),
        ("GB", "07700 900123 and +49 170 1234567", "[phone] and [phone]"),
        ("US", "jo.doe+x@mail.example.co.uk, jo [at] example.org", "[mail], [mail]"),
        ("US", "sk-proj-abcDEF123456ghiJKL7890", "[key]"),
        ("US", "ghp_16C7e42F292c6912E7710c838347Ae178B4a.", "[key]."),
        ("US", "AKIAIOSFODNN7EXAMPLE", "[key]"),
        ("US", "password: hunter2!", "password: [key]"),
        ("US", "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY----- after", "[key] after"),
        ("US", "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", "[key]"),
    ],
)
def test_personal_data_are_masked(region: str, text: str, masked: str) -> None:
    assert Redactor(region).text(text) == masked


@pytest.mark.parametrize("region", ["US", "GB", "DE", "FR", "IT"])
@pytest.mark.parametrize(
    "text",
    [
        "2026-11-30 12:30",
        "pi is 3.1415926535",
        "1,234,567,890 people",
        "192.168.100.200",
        "ISBN 978-3-16-148410-0",
        "6 to 7, 12 of 14",
        "In 1999 2000 2001 2002 we",
        "/usr/lib/python3.11/site-packages/foo_bar_baz.py",
        "https://example.org/2024/11/30/how-to-do-a-thing",
        "550e8400-e29b-41d4-a716-446655440000",
        "LlamaForCausalLMWithAVeryLongName",
        "the password is secret, and @handle is not x@y",
    ],
)
def test_what_is_no_personal_data_stays(region: str, text: str) -> None:
    assert Redactor(region).text(text) == text


def test_every_turn_is_masked_and_counted_and_an_unknown_country_refused() -> None:
    redactor = Redactor("us")
    turns = [Message("user", "I am jo@example.org"), Message("assistant", "Hello jo@example.org.")]
    masked = redactor.row(make_chat([*turns, Message("user", "Bye"), Message("assistant", "Bye.")]))
    assert [turn.text for turn in masked.turns] == ["I am [mail]", "Hello [mail].", "Bye", "Bye."]
    assert dict(redactor.counts) == {"mail address": 2}
    plain = make_row("Hi", "Ho")
    assert redactor.row(plain) is plain
    with pytest.raises(UsageError, match="no country code"):
        Redactor("Mars")
