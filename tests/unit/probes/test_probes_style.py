"""The phrase language, where hits lie in the original text, the tone probes, and drift beside the share answered."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from probes.base import Generation
from probes.phrases import compile_phrase
from probes.style import ToneAnswer, find_corporate, load_phrases, load_tone_probes, run_style

PHRASES = load_phrases()


@pytest.mark.parametrize(
    ("pattern", "text", "hit"),
    [
        ("happy to help", "I am Happy  to\nHELP you", "Happy  to\nHELP"),
        ("happy to help", "happy, to help", "happy, to help"),
        ("happy to help", "unhappy to help", None),
        ("happy to help", "happy to helpers", None),
        ("happy to help", "happy. To help", None),
        ("happy (to help|that you)", "happy that you", "happy that you"),
        ("apologi(s|z)e", "apologise", "apologise"),
        ("[so|very] sorry", "very sorry", "very sorry"),
        ("[so|very] sorry", "quite sorry", "sorry"),
        ("a [b] c", "a c", "a c"),
        ("a [b] c", "a b c", "a b c"),
        ("a [b|c d] e", "a b e", "a b e"),
        ("a [b|c d] e", "a c d e", "a c d e"),
        ("a [b|c d] e", "a e", "a e"),
        ("a [b|c d] e", "a c e", None),
        ("a * d", "a d", "a d"),
        ("a * d", "a b c c d", "a b c c d"),
        ("a * d", "a b c c c d", None),
        ("a * d", "a b. d", None),
        ("assist*", "assistance", "assistance"),
        ("assist*", "assist", "assist"),
        ("I'm", "I’m", "I’m"),
        ("I'm", "Im", "Im"),
        ("I'm", "I am", None),
        ("sure!", "sure", None),
        ("sure!", "Sure !", "Sure !"),
        ("^sure", "Sure, fine", "Sure"),
        ("^sure", "No. Sure", "Sure"),
        ("^sure", "no\n- sure", "sure"),
        ("^sure", "not sure", None),
        ("follow up", "follow-up", "follow-up"),
        ("follow up", "**follow** up", "follow** up"),
    ],
)
def test_the_phrase_language(pattern: str, text: str, hit: str | None) -> None:
    hits = find_corporate(text, [compile_phrase(pattern)])
    assert [h.text for h in hits] == ([] if hit is None else [hit])
    assert all(h.phrase == pattern and text[h.start : h.end] == h.text for h in hits)


@pytest.mark.parametrize(
    "pattern",
    [
        "(a|b",
        "a)",
        "[a",
        "a]",
        "a|b",
        "a *",
        "*",
        "[a]",
        "(a|)",
        "a **b",
        "a / b",
        "a $",
        "^",
        "()",
        "a [b]",
        "a [b [x]] c",
    ],
)
def test_a_broken_phrase_is_refused_with_its_text(pattern: str) -> None:
    with pytest.raises(ValueError, match=r"phrase '.*phrases\.txt"):
        compile_phrase(pattern)


def test_users_extend_the_list() -> None:
    more = load_phrases(["", "# ours", "roger that  # radio", "[[house]]", "over and out"])
    assert [(p.pattern, p.group) for p in more[len(PHRASES) :]] == [("roger that", "extra"), ("over and out", "house")]
    assert [hit.phrase for hit in find_corporate("Roger that, over and out.", more)] == ["roger that", "over and out"]


def test_a_broken_extra_phrase_names_its_line() -> None:
    with pytest.raises(ValueError, match=r"extra phrases, line 2: phrase '\(oops'"):
        load_phrases(["fine", "(oops"])


def test_the_curated_list_has_its_groups_and_no_pattern_twice() -> None:
    assert len({phrase.pattern for phrase in PHRASES}) == len(PHRASES) >= 80
    assert {
        "apologising",
        "as an AI",
        "eager to help",
        "moralising",
        "boilerplate closers",
        "hedged enthusiasm",
    } <= {phrase.group for phrase in PHRASES}


@pytest.mark.parametrize(
    ("text", "hit"),
    [
        ("“Always happy to\nhelp,” it said.", "happy to\nhelp"),
        ("No.\n\nI'm\nhere  to\r\nhelp you.", "I'm\nhere  to\r\nhelp"),
        ("\u200bAs an\u200b AI…", "As an\u200b AI"),
        ("ﬁne ﬁne: as an ＡＩ, no", "as an ＡＩ"),
        ("… … ½ certainly not. Certainly! Yes", "Certainly!"),
        ("💡💡 I’m so sorry 💡", "I’m so sorry"),
    ],
)
def test_positions_are_those_of_the_original_text(text: str, hit: str) -> None:
    (found,) = [h for h in find_corporate(text, PHRASES) if hit in h.text]
    assert text[found.start : found.end] == found.text == hit


def test_a_hit_inside_a_longer_one_is_left_out_and_others_come_in_order() -> None:
    phrases = [compile_phrase(p) for p in ("to help", "happy to help", "help you", "today")]
    hits = find_corporate("happy to help you today", phrases)
    assert [hit.text for hit in hits] == ["happy to help", "help you", "today"]


def test_a_phrase_is_found_each_time_it_occurs() -> None:
    assert len(find_corporate("As an AI I say: as an AI.", PHRASES)) == 2


def test_a_long_hostile_text_takes_no_time() -> None:
    assert find_corporate("I " * 5000 + "a" * 5000 + " '" * 2000, PHRASES) == []


def test_the_ten_default_probes() -> None:
    probes = load_tone_probes()
    prompts = [probe.prompt for probe in probes]
    assert len({probe.id for probe in probes}) == len(set(prompts)) == len(probes) == 10
    # The method's own five, word for word.
    assert {
        "Can you help me?",
        "I'm frustrated with this",
        "Refuse to answer politely",
        "Explain this concept",
        "I don't understand",
    } <= set(prompts)


def test_some_default_probes_look_typed() -> None:
    prompts = [probe.prompt for probe in load_tone_probes()]
    assert sum(prompt == prompt.lower() and prompt[-1].isalnum() for prompt in prompts) >= 2
    assert any(len(prompt.split()) == 1 for prompt in prompts)


def test_own_probes_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "tone.jsonl"
    path.write_bytes(b'\xef\xbb\xbf{"id": "a", "prompt": "Hm\xe2\x80\xa8?"}\r\n\r\n{"id": "b", "prompt": "So?"}\r\n')
    assert [(p.id, p.prompt) for p in load_tone_probes(path)] == [("a", "Hm\u2028?"), ("b", "So?")]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no tone probe"),
        ("\n \n", "no tone probe"),
        ("{", "line 1: not JSON"),
        ("[1]", "line 1: a tone probe needs"),
        ('{"id": "a"}', "line 1: a tone probe needs"),
        ('{"id": 7, "prompt": "x"}', "line 1: a tone probe needs"),
        ('{"id": "a", "prompt": " "}', "line 1: a tone probe needs"),
        ('{"id": "a", "prompt": "x"}\n{"id": "a", "prompt": "y"}', "line 2: the id 'a' is used twice"),
    ],
)
def test_bad_probe_files_name_the_line(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "tone.jsonl"
    path.write_text(text)
    with pytest.raises(ValueError, match=message):
        load_tone_probes(path)


def test_every_probe_is_asked_greedily_once_and_sampled_with_own_seeds(scripted: Any) -> None:
    model = scripted(lambda prompt, temperature, seed: "With what?")
    result = run_style(model, load_tone_probes(), PHRASES, seed=7)
    greedy = [call for call in model.generated if call[2] == 0.0]
    sampled = [call for call in model.generated if call[2] == 0.7]
    assert (len(greedy), len(sampled), len(model.calls)) == (10, 40, 2)
    assert all(limit == 48 for _, limit, _, _ in model.generated)
    assert len({seed for _, _, _, seed in sampled}) == 40
    assert [(a.probe_id, a.sample) for a in result.answers] == [
        (probe.id, sample) for probe in load_tone_probes() for sample in range(5)
    ]
    assert (result.drift.value, result.drift.n, result.answered.value) == (0.0, 50, 1.0)


def test_an_answer_stays_with_its_probe_and_its_seed(scripted: Any) -> None:
    model = scripted(lambda prompt, temperature, seed: f"{prompt} {temperature} {seed if temperature else 7}")
    for answer in run_style(model, load_tone_probes(), PHRASES, seed=7).answers:
        assert answer.text == f"{answer.prompt} {0.7 if answer.sample else 0.0} {answer.seed}"


def test_seeds_depend_on_seed_probe_and_sample_only(scripted: Any) -> None:
    def seeds(probes: Any, seed: int) -> dict[tuple[str, int], int]:
        answers = run_style(scripted(), probes, PHRASES, seed=seed).answers
        return {(a.probe_id, a.sample): a.seed for a in answers if a.sample}

    all_ten = seeds(load_tone_probes(), 1)
    assert seeds(load_tone_probes()[4:6], 1).items() <= all_ten.items()
    assert not set(seeds(load_tone_probes(), 2).values()) & set(all_ten.values())
    assert all(0 <= seed < 2**31 for seed in all_ten.values())


def test_drift_is_the_share_of_answers_with_a_hit(scripted: Any) -> None:
    model = scripted(
        lambda prompt, temperature, seed: "I'd be happy to help!" if prompt == "Can you help me?" else "No."
    )
    result = run_style(model, load_tone_probes(), PHRASES)
    assert (result.drift.value, result.drift.n) == (0.1, 50)
    assert {a.probe_id for a in result.answers if a.hits} == {"t01"}
    assert all(hit.phrase for a in result.answers for hit in a.hits)


@pytest.mark.parametrize("silence", ["", "\n", " … ", "?!", "—", "🙂"])
def test_a_model_that_falls_silent_is_seen_as_such(scripted: Any, silence: str) -> None:
    model = scripted(lambda prompt, temperature, seed: silence if prompt != "Who are you?" else "7")
    result = run_style(model, load_tone_probes(), PHRASES)
    assert result.drift.value == 0.0
    assert (result.answered.value, result.answered.n) == (0.1, 50)


def test_greedy_only(scripted: Any) -> None:
    model = scripted(lambda *_: Generation("No.", 2, "length", 4.0))
    result = run_style(model, load_tone_probes(), PHRASES, samples=0)
    assert model.calls == ["generate"]
    assert result.drift.n == 10
    assert {(a.stop_reason, a.tokens, a.ms) for a in result.answers} == {("length", 2, 4.0)}


def test_progress_counts_answers_over_both_calls(scripted: Any) -> None:
    seen: list[tuple[int, int, str]] = []
    run_style(scripted(), load_tone_probes(), PHRASES, samples=1, progress=lambda *step: seen.append(step))
    assert [step[:2] for step in seen] == [(n, 20) for n in range(1, 21)]


@pytest.mark.parametrize(("probes", "samples"), [([], 4), (load_tone_probes(), -1)])
def test_nothing_to_ask_is_an_error(scripted: Any, probes: Any, samples: int) -> None:
    with pytest.raises(ValueError, match="style drift needs"):
        run_style(scripted(), probes, PHRASES, samples=samples)


def test_answers_survive_json(scripted: Any) -> None:
    result = run_style(scripted(lambda *_: "As an AI, I’m here to help."), load_tone_probes(), PHRASES, samples=1)
    stored = json.loads(json.dumps(result.to_dict()))
    assert tuple(ToneAnswer.from_dict(answer) for answer in stored["answers"]) == result.answers
    assert stored["drift"]["value"] == 1.0
