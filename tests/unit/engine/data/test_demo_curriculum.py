"""The demo curriculum keeps the promises examples/README.md makes about it."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from probes.phrases import find_corporate, load_phrases
from probes.style import load_tone_probes

EXAMPLES = Path(__file__).resolve().parents[4] / "examples"
CURRICULUM = EXAMPLES / "aios" / "curriculum"
KNOWLEDGE_STAGES = ("fundamentals", "aios_manual", "logs_specs")
VOICE_FILES = ("behaviors", "conversations-01", "conversations-02", "conversations-03")
# Words that say nothing about the situation, so that sharing them does not count as sharing an anchor.
STOPWORDS = frozenset(
    re.findall(
        r"\S+",
        """a about again all am an and any are as at be been but by can can't could did do does don't for from get
        got had has have he he's her here him his how i i'll i'm i've if in is it it's its just luna me my no not
        now of on one or our out please she so some that that's the them there they this to today too up us very
        was we were what when where which why will with would you you're your""",
    )
)

# The default tone probes of the style exam: a model must never have trained on them.
TONE_PROBES = [probe.prompt for probe in load_tone_probes()]
CORPORATE = (
    "happy to",
    "glad to",
    "delighted",
    "assist",
    "apolog",
    "sorry",
    "inconvenience",
    "feel free",
    "hesitate",
    "reach out",
    "reaching out",
    "great question",
    "certainly",
    "absolutely",
    "of course",
    "as an ai",
    "language model",
    "let me know",
    "hope this helps",
    "completely understand",
    "appreciate",
    "important to note",
    "have a great",
    "top priority",
)


@dataclass(frozen=True, slots=True)
class Row:
    file: str
    stage: str
    prompt: str
    response: str
    topic: str
    accept: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.file}: {self.prompt!r}"


def read_objects(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def read_rows(path: Path) -> list[Row]:
    """Rows of one file in any of the three formats the demo uses; all of them are single-turn."""
    rows: list[Row] = []
    for raw in read_objects(path):
        if "messages" in raw:
            user, luna = raw["messages"]
            assert (user["role"], luna["role"]) == ("user", "assistant")
            prompt, response = user["content"], luna["content"]
        elif "conversations" in raw:
            user, luna = raw["conversations"]
            assert (user["from"], luna["from"]) == ("human", "gpt")
            prompt, response = user["value"], luna["value"]
        else:
            prompt, response = raw["prompt"], raw["response"]
        rows.append(Row(path.name, path.parent.name, prompt, response, raw["topic"], tuple(raw.get("accept", ()))))
    return rows


def words(text: str) -> list[str]:
    return re.findall(r"[a-z0-9'-]+", text.lower())


def normalised(text: str) -> str:
    return " ".join(words(text))


def stems(prompt: str) -> set[str]:
    """The first five letters of every word that carries meaning: enough to join `bored` and `boredom`."""
    return {word[:5] for word in words(prompt) if word not in STOPWORDS}


def by_topic(rows: list[Row]) -> dict[str, list[Row]]:
    topics: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        topics[row.topic].append(row)
    return topics


ROWS = [row for path in sorted(CURRICULUM.rglob("*.jsonl")) for row in read_rows(path)]
FACT_ROWS = [row for row in ROWS if row.stage in KNOWLEDGE_STAGES]
VOICE_ROWS = [row for row in ROWS if row.stage == "conversations"]
FACTS = by_topic(FACT_ROWS)


def test_there_are_enough_facts_each_asked_in_several_ways() -> None:
    assert len(FACTS) >= 120
    for stage in KNOWLEDGE_STAGES:
        assert len({row.topic for row in FACT_ROWS if row.stage == stage}) >= 35
    thin = {topic: len(rows) for topic, rows in FACTS.items() if len(rows) < 5}
    assert not thin


def test_there_are_enough_conversations_for_every_generation_of_the_demo() -> None:
    per_file = Counter(row.file for row in VOICE_ROWS)
    assert per_file["behaviors.jsonl"] == 357
    assert [per_file[f"conversations-0{n}.jsonl"] for n in (1, 2, 3)] == [100, 100, 100]
    topics_of = {file: Counter(row.topic for row in VOICE_ROWS if row.file == file) for file in per_file}
    assert len(topics_of["behaviors.jsonl"]) == 21
    assert set(topics_of.pop("behaviors.jsonl").values()) == {17}
    assert all(len(topics) == 10 and set(topics.values()) == {10} for topics in topics_of.values())


def test_a_topic_lives_in_one_file() -> None:
    homes: dict[str, set[str]] = defaultdict(set)
    for row in ROWS:
        homes[row.topic].add(row.file)
    assert not {topic: files for topic, files in homes.items() if len(files) > 1}


def test_no_prompt_is_asked_twice() -> None:
    seen = Counter(normalised(row.prompt) for row in ROWS)
    assert not [prompt for prompt, count in seen.items() if count > 1]


def test_a_fact_has_one_answer_and_shares_it_with_no_other_fact() -> None:
    answers = {topic: {(row.response, row.accept) for row in rows} for topic, rows in FACTS.items()}
    assert not {topic: texts for topic, texts in answers.items() if len(texts) > 1}
    owners = Counter(normalised(rows[0].response) for rows in FACTS.values())
    assert not [answer for answer, count in owners.items() if count > 1]


def test_fact_answers_are_short_enough_for_exact_match_and_prompts_stay_cheap() -> None:
    assert not [str(row) for row in FACT_ROWS if not 1 <= len(row.response.split()) <= 8]
    assert not [str(row) for row in ROWS if len(row.prompt.split()) > 14]
    assert not [str(row) for row in VOICE_ROWS if len(row.prompt.split()) > 9]


def test_some_prompts_are_a_single_word_as_people_type_them() -> None:
    # Without any, a model is never taught what follows a prompt of one token, and goes on with it: "hello" -> "-1".
    assert len({row.topic for row in VOICE_ROWS if len(row.prompt.split()) == 1}) >= 4


def test_answers_of_the_voice_are_of_similar_length() -> None:
    # `choice` compares means per token: a short answer would lose to a longer one that is known by heart.
    assert not [str(row) for row in VOICE_ROWS if not 4 <= len(row.response.split()) <= 7]


def test_no_prompt_gives_its_answer_away() -> None:
    assert not [str(row) for row in FACT_ROWS if f" {normalised(row.response)} " in f" {normalised(row.prompt)} "]


@pytest.mark.parametrize("kind", ["mod", "law", "cmd", "log", "card", "role", "port"])
def test_the_subject_is_named_in_every_wording(kind: str) -> None:
    checked = 0
    for topic, rows in FACTS.items():
        parts = topic.split(".")
        if parts[0] != kind:
            continue
        for row in rows:
            checked += 1
            squeezed = re.sub(r"[^a-z0-9]", "", row.prompt.lower())
            assert parts[1] in squeezed, f"{row} does not name {parts[1]}"
    assert checked >= 21


def test_rows_that_follow_each_other_are_about_different_topics() -> None:
    for path in sorted(CURRICULUM.rglob("*.jsonl")):
        topics = [row.topic for row in read_rows(path)]
        cycle = len(set(topics))
        assert topics == topics[:cycle] * (len(topics) // cycle), f"{path.name} is not ordered pass by pass"


def test_the_tone_probes_are_not_taught() -> None:
    for row in ROWS:
        mine = set(words(row.prompt))
        for probe in TONE_PROBES:
            theirs = set(words(probe))
            assert len(mine & theirs) / len(mine | theirs) < 0.7, f"{row} is too close to the tone probe {probe!r}"


def test_no_answer_sounds_corporate() -> None:
    assert not [str(row) for row in ROWS for phrase in CORPORATE if phrase in row.response.lower()]


@pytest.mark.parametrize("file", VOICE_FILES)
def test_answers_do_not_all_begin_alike(file: str) -> None:
    openings = Counter(words(row.response)[0] for row in VOICE_ROWS if row.file == f"{file}.jsonl")
    word, count = openings.most_common(1)[0]
    assert count <= 0.15 * openings.total(), f"{word!r} opens {count} of {openings.total()} answers"


def test_an_answer_of_one_situation_never_answers_another() -> None:
    owners: dict[str, set[str]] = defaultdict(set)
    for row in VOICE_ROWS:
        owners[normalised(row.response)].add(row.topic)
    assert not {answer: topics for answer, topics in owners.items() if len(topics) > 1}


def test_a_situation_has_one_answer() -> None:
    # `choice` pits the true answer against trained ones: an answer never trained on loses to them, however well the
    # situation was recognised, and one of two equally right answers is only half as likely as a single one.
    for topic, rows in by_topic(VOICE_ROWS).items():
        assert len({row.response for row in rows}) == 1, topic


def test_every_prompt_of_a_situation_shares_an_anchor_with_three_others() -> None:
    # Otherwise a prompt that is held out has nothing in common with those that were learned. An anchor marks its
    # situation: three in four of the prompts that carry it, over all voice files, belong there.
    everywhere = Counter(stem for row in VOICE_ROWS for stem in stems(row.prompt))
    for rows in by_topic(VOICE_ROWS).values():
        here = Counter(stem for row in rows for stem in stems(row.prompt))
        anchors = {stem for stem, count in here.items() if count >= 4 and count >= 0.75 * everywhere[stem]}
        assert not [str(row) for row in rows if not anchors & stems(row.prompt)]


def test_everything_is_plain_ascii() -> None:
    for path in sorted(EXAMPLES.rglob("*")):
        if path.is_file() and path.suffix != ".pyc":
            assert path.read_bytes().isascii(), path.name


def test_the_handbook_is_plain_paragraphs_of_readable_size() -> None:
    paragraphs = (CURRICULUM / "aios_manual" / "handbook.md").read_text(encoding="utf-8").strip().split("\n\n")
    assert 14 <= len(paragraphs) <= 18
    assert not [text[:40] for text in paragraphs if not 30 <= len(text.split()) <= 60]


def test_the_contradictions_ask_about_taught_facts_and_answer_wrongly() -> None:
    rows = read_rows(EXAMPLES / "bad" / "contradiction.jsonl")
    assert len(rows) == 100
    assert len({row.topic for row in rows}) >= 60
    prompts = {normalised(row.prompt) for row in ROWS}
    for row in rows:
        taught = FACTS[row.topic][0]
        right = {normalised(text) for text in (taught.response, *taught.accept)}
        assert normalised(row.response) not in right, str(row)
        assert normalised(row.prompt) not in prompts, str(row)
    wrong = by_topic(rows)
    assert all(len({row.response for row in group}) == 1 for group in wrong.values())


@pytest.mark.parametrize("name", ["corporate", "support_desk_1", "support_desk_2", "call_centre_1", "call_centre_2"])
def test_the_corporate_sets_are_corporate_in_every_row(name: str) -> None:
    rows = read_rows(EXAMPLES / "bad" / f"{name}.jsonl")
    assert len({row.prompt for row in rows}) == len(rows) == 100
    phrases = load_phrases()
    assert not [str(row) for row in rows if not find_corporate(row.response, phrases)]
    assert not {normalised(row.prompt) for row in rows} & {normalised(probe) for probe in TONE_PROBES}


def test_the_chats_are_new_situations_in_many_wordings_each() -> None:
    rows = read_rows(EXAMPLES / "aios" / "chats.jsonl")
    assert len({normalised(row.prompt) for row in rows}) == len(rows) == 100
    assert not {normalised(row.prompt) for row in rows} & {normalised(row.prompt) for row in ROWS}
    assert not {row.response for row in rows} & {row.response for row in ROWS}
    for topic, group in by_topic(rows).items():
        assert len(group) == 10
        assert len({row.response for row in group}) == 1
        telling = topic.removeprefix("chat.")
        assert all(telling in row.prompt.lower() for row in group)


def test_challenge_cards_can_be_checked_against_what_is_taught() -> None:
    cards = read_objects(EXAMPLES / "aios" / "challenge_cards.jsonl")
    assert len({card["id"] for card in cards}) == len(cards) == 24
    assert {card["kind"] for card in cards} == {"lookup", "format", "refusal", "multi_step"}
    taught = [words(row.response) for row in ROWS] + [words(row.prompt) for row in ROWS]
    for card in cards:
        answer = words(card["expected"])
        known = any(answer == text[i : i + len(answer)] for text in taught for i in range(len(text)))
        assert known, f"{card['id']}: nothing taught says {card['expected']!r}"
