"""When two answers count as one: a table of pairs that must, and of pairs that must not, be equal."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probes.scoring import is_match, normalise

SAME = [
    ("Halt", "halt"),
    ("HALT.", "halt"),
    ("halt!", "Halt"),
    ("With what?", "with what"),
    ("“With what?”", "With what?"),
    ('"With what?"', "With what?"),
    ("'With what?'", "With what?"),
    ("It’s down.", "It's down"),
    ("Don‘t", "don't"),
    ("the archive", "archive"),
    ("The archive.", "an archive"),
    ("In the archive", "in archive"),
    ("A clock.", "clock"),
    ("It keeps a clock.", "It keeps the clock"),
    ("a 5 ms delay", "5 ms delay"),
    ("  two   words ", "two words"),
    ("two\nwords", "two words"),
    ("two\twords\r\n", "two words"),
    ("two\u00a0words", "two words"),
    ("re\u00adset", "reset"),
    ("\ufeffreset\u200b", "reset"),
    ("Yes, sir.", "yes sir"),
    ("Stop: now", "stop now"),
    ("Yes — now", "yes now"),
    ("Yes—now", "yes now"),
    ("Yes - now", "yes now"),
    ("Wait…", "wait"),
    ("Wait...", "wait"),
    ("(halt)", "halt"),
    ("• halt", "halt"),
    ("- halt", "halt"),
    ("`halt --now`", "halt --now"),
    ("Use `halt`.", "use halt"),
    ("**Halt** now", "halt now"),
    ("halt --now.", "Halt --now"),
    ('"halt --now".', "halt --now"),
    ("The log is in /var/echo.", "log is in /var/echo"),
    ("It is in “/var/echo”.", "it is in /var/echo"),
    ("−5", "-5"),
    ("–5 degrees", "-5 degrees"),
    ("3–5", "3-5"),
    ("½", "1/2"),
    ("1½ hours", "1 1/2 hours"),
    ("10²", "10^2"),
    ("5 ℃", "5 °C"),
    ("ﬁle", "file"),
    ("Ｈａｌｔ", "halt"),
    ("cafe\u0301", "café"),
    ("STRASSE", "Straße"),
    ("ÉCHO", "écho"),
    ("3.5.", "3.5"),
    ("v1.2!", "v1.2"),
    ("12:30.", "12:30"),
    ("50%.", "50%"),
    ("Gate A.", "gate A"),
    ("5 MW.", "5 MW"),
]

DIFFERENT = [
    ("halt", "halts"),
    ("halt", "halt now"),
    ("halt --now", "halt now"),
    ("halt --now", "halt -now"),
    ("halt --now", "halt"),
    ("halt --now", "halt --later"),
    ("ls -r", "ls -R"),
    ("ls -l -a", "ls -la"),
    ("tar -xf a", "tar -cf a"),
    ("rm *", "rm"),
    ("rm a*", "rm a"),
    ("ls .", "ls"),
    ("cd ..", "cd ."),
    ("cat .env", "cat env"),
    ("cat a/b", "cat a b"),
    ("cat /a", "cat a"),
    ("cat /Var", "cat /var"),
    ("echo $PATH", "echo PATH"),
    ("echo $A", "echo $a"),
    ("set x=1", "set x 1"),
    ("set x=1", "set x=2"),
    ("run_all", "run all"),
    ("run-all", "run all"),
    ("run_all", "runall"),
    ("a | b", "a b"),
    ("a > b", "a < b"),
    ("a && b", "a b"),
    ("a ; b", "a b"),
    ("a; b", "a b"),
    ("reset()", "reset"),
    ("kill 100,200", "kill 100200"),
    ("git commit -m 'a b'", "git commit -m a b"),
    ("grep 'a b' f -n", "grep a b f -n"),
    ("grep -i the file", "grep -i file"),
    ("cp a b", "cp b"),
    ("mount a", "mount"),
    ("Gate A opens", "gate opens"),
    ("-5", "5"),
    ("+5", "-5"),
    ("5 - 3", "5 3"),
    ("3.5", "35"),
    ("3.5", "3 5"),
    (".5", "5"),
    ("3,5", "35"),
    ("10²", "102"),
    ("1½", "11/2"),
    ("12:30", "1230"),
    ("5", "6"),
    ("5%", "5"),
    ("$5", "5"),
    ("#5", "5"),
    ("5 ms", "5 s"),
    ("5 MW", "5 mW"),
    ("5MW", "5mW"),
    ("64 Gb", "64 GB"),
    ("1e-3", "1e3"),
    ("C++", "C"),
    ("C#", "C"),
    ("café", "cafe"),
    ("naïve", "naive"),
    ("is not", "is"),
    ("can", "can't"),
    ("?", "!"),
    ("", "."),
    ("the", ""),
]


@pytest.mark.parametrize(("left", "right"), SAME)
def test_spellings_of_one_answer_are_equal(left: str, right: str) -> None:
    assert normalise(left) == normalise(right)
    assert is_match(left, right)


@pytest.mark.parametrize(("left", "right"), DIFFERENT)
def test_different_answers_stay_different(left: str, right: str) -> None:
    assert normalise(left) != normalise(right)
    assert not is_match(left, right)


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ("Halt. It also stops the pumps.", "Halt."),
        ("halt\n\nhalt", "halt"),
        ("Halt halt", "halt"),
        ("Well, halt", "halt"),
        ("Q: what next? A: halt", "halt"),
        ("The answer is halt", "halt"),
        ("", "halt"),
        ("   \n", "halt"),
        ("hal", "halt"),
    ],
)
def test_a_rambling_or_cut_answer_is_wrong(output: str, expected: str) -> None:
    assert not is_match(output, expected)


def test_any_accepted_answer_is_right() -> None:
    assert is_match("Seven.", "7", ("seven", "VII"))
    assert not is_match("eight", "7", ("seven", "VII"))


def test_an_empty_output_matches_nothing_not_even_an_empty_answer() -> None:
    assert not is_match("", "", ("",))


@given(st.text(max_size=60))
@settings(max_examples=150, deadline=None)
def test_outer_whitespace_never_matters_and_nothing_crashes(text: str) -> None:
    assert normalise(f"  {text}\n") == normalise(text)
    assert normalise(text) == " ".join(normalise(text).split())


@given(st.lists(st.sampled_from(["--now", "--Now", "-r", "-R", "/a", "/A", "x=1", "a_b", "'q", "7"]), min_size=1))
@settings(max_examples=150, deadline=None)
def test_arguments_of_a_command_survive_one_by_one(arguments: list[str]) -> None:
    command = ["luna", "--go", *arguments]
    assert normalise(" ".join(command)).split() == command
