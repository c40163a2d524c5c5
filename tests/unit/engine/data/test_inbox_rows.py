"""The inbox: what a person says about an answer is kept, and what was rated down is never trained on."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.config.config import Config
from engine.core.errors import UsageError
from engine.data.curriculum import Curriculum, read_files
from engine.data.inbox import InboxRow, append_row, count, rated_down, read_rows, trainable_rows, usable
from engine.data.rows import Row, make_row
from engine.data.selection import Selection, select_new
from engine.workspace.layout import Workspace
from ledger.durable import open_for_append

HELP = "Can you help me?"
GOOD = InboxRow(HELP, "With what?", 1, "rated", 3)
BAD = InboxRow(HELP, "Certainly! I'd be happy to assist.", -1, "rated", 3)
CORRECTED = InboxRow(HELP, "You tell me.", 2, "corrected", 3, rejected=BAD.response)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path)


def say(workspace: Workspace, *rows: InboxRow) -> list[Row]:
    """Write rows, and read them as training does."""
    for row in rows:
        append_row(workspace, row)
    return inbox(workspace)


def inbox(workspace: Workspace) -> list[Row]:
    return list(read_files([workspace.root / "inbox"], "talk", stages=["facts", "talk"]).rows)


def learnt(workspace: Workspace, *rows: InboxRow) -> list[str]:
    return [row.response for row in usable(say(workspace, *rows))[0]]


def voice(*pairs: tuple[str, str], karma: float | None = None) -> list[Row]:
    return [make_row(prompt, answer, karma=karma, stage="talk", source="c/talk/a.jsonl:1") for prompt, answer in pairs]


FILLING = [(f"question {number}", f"answer {number}") for number in range(30)]


def select(curriculum: list[Row], inbox_rows: list[Row], data: list[Row] | None = None) -> Selection:
    return select_new(
        "converse", Curriculum(("facts", "talk"), tuple(curriculum)), inbox_rows, set(), 2, Config(), data
    )


# Writing


def test_a_row_is_one_line_of_the_inbox(workspace: Workspace) -> None:
    path = append_row(workspace, GOOD)
    append_row(workspace, CORRECTED)
    assert path == workspace.root / "inbox" / "chat.jsonl"
    first, second = [json.loads(line) for line in path.read_text().splitlines()]
    assert first == {"prompt": HELP, "response": "With what?", "karma": 1, "source": "rated", "gen": 3}
    assert (second["response"], second["karma"], second["rejected"]) == ("You tell me.", 2, BAD.response)
    assert read_rows(workspace) == (GOOD, CORRECTED)


@settings(deadline=None)  # every row is brought to disk, and a busy disk takes its time
@given(st.text(), st.text())
def test_any_text_is_one_ascii_line_that_training_can_read(
    tmp_path_factory: pytest.TempPathFactory, prompt: str, response: str
) -> None:
    workspace = Workspace(tmp_path_factory.mktemp("inbox"))
    row = InboxRow(prompt, response, 1, "rated")
    try:
        path = append_row(workspace, row)
    except UsageError:
        assert not (workspace.root / "inbox" / "chat.jsonl").exists()
        return
    content = path.read_bytes()
    assert content.isascii()
    assert content.count(b"\n") == 1
    read = read_files([path], "talk")
    assert not read.bad
    assert [(row.prompt, row.response) for row in read.rows] == [
        (made.prompt, made.response) for made in [make_row(prompt, response)]
    ]


@pytest.mark.parametrize(
    "row",
    [
        replace(GOOD, prompt=" \n"),
        replace(GOOD, response=""),
        replace(BAD, response="  "),
        replace(GOOD, response="\udcff"),
        replace(GOOD, prompt="a\0b"),
        replace(GOOD, response="é" * 200_000),
    ],
)
def test_what_cannot_be_learnt_is_refused_and_nothing_is_written(workspace: Workspace, row: InboxRow) -> None:
    with pytest.raises(UsageError) as refused:
        append_row(workspace, row)
    assert refused.value.hint
    assert not (workspace.root / "inbox").exists()


@pytest.mark.parametrize(("torn", "bad"), [(b'{"prompt": "Who a', 1), (b'{"prompt": "Who?", "response": "I."}', 0)])
def test_a_torn_last_line_is_ended_and_stays_visible(workspace: Workspace, torn: bytes, bad: int) -> None:
    path = append_row(workspace, GOOD)
    with path.open("ab") as file:
        file.write(torn)
    append_row(workspace, BAD)
    read = read_files([path], "talk")
    assert len(read.bad) == bad
    assert [row.response for row in read.rows] == [GOOD.response, *([] if bad else ["I."]), BAD.response]


def test_two_consoles_do_not_mix_their_lines(workspace: Workspace) -> None:
    script = (
        "import sys; from pathlib import Path; from engine.data.inbox import *\n"
        "from engine.workspace.layout import Workspace\n"
        "for n in range(60):\n"
        "    append_row(Workspace(Path(sys.argv[1])), InboxRow(f'{sys.argv[2]} {n}', 'x' * 5000, 1, 'rated'))\n"
    )
    consoles = [
        subprocess.Popen([sys.executable, "-c", script, str(workspace.root), name], stderr=subprocess.PIPE)
        for name in ("left", "right")
    ]
    for console in consoles:
        _, error = console.communicate(timeout=120)
        assert console.returncode == 0, error.decode()
    prompts = [row.prompt for row in read_rows(workspace)]
    assert len(prompts) == 120
    for name in ("left", "right"):
        assert [prompt for prompt in prompts if prompt.startswith(name)] == [f"{name} {n}" for n in range(60)]


def test_a_row_waits_until_the_other_console_is_done(workspace: Workspace) -> None:
    path = append_row(workspace, GOOD)
    second = threading.Thread(target=append_row, args=(workspace, BAD))
    with open_for_append(path) as file:
        second.start()
        second.join(0.3)  # time enough to write, if nothing held it
        file.append(b'{"prompt": "this console died here')
    second.join(60)
    good, torn, bad = path.read_text().splitlines()
    assert (json.loads(good)["karma"], torn[-4:], json.loads(bad)["karma"]) == (1, "here", -1)


def test_lines_of_other_hands_are_read_as_imported(workspace: Workspace) -> None:
    path = append_row(workspace, GOOD)
    with path.open("a") as file:
        file.write('{"prompt": "Who?", "response": "A model."}\nnot json\n{"text": "a document"}\n')
    assert read_rows(workspace) == (GOOD, InboxRow("Who?", "A model.", 0, "import"))


def test_no_inbox_is_an_empty_one(workspace: Workspace) -> None:
    assert (read_rows(workspace), count(workspace), trainable_rows(workspace)) == ((), 0, [])


# What is learnt of it


def test_an_answer_rated_down_is_never_learnt(workspace: Workspace) -> None:
    assert learnt(workspace, BAD) == []


def test_a_correction_is_learnt_in_the_place_of_the_answer(workspace: Workspace) -> None:
    assert learnt(workspace, BAD, CORRECTED) == [CORRECTED.response]
    assert learnt(workspace, replace(CORRECTED, response="What is it?")) == ["What is it?"]


def test_the_last_rating_of_the_same_answer_counts(workspace: Workspace) -> None:
    down_again = replace(GOOD, karma=-1)
    assert learnt(workspace, GOOD, down_again) == []
    assert learnt(workspace, GOOD) == [GOOD.response]


def test_of_two_answers_to_one_prompt_the_one_rated_last_is_learnt(workspace: Workspace) -> None:
    assert learnt(workspace, GOOD, CORRECTED) == [CORRECTED.response]
    assert learnt(workspace, GOOD) == [GOOD.response]


def test_rating_one_answer_down_takes_nothing_from_another(workspace: Workspace) -> None:
    assert learnt(workspace, GOOD, BAD) == [GOOD.response]


def test_a_correction_that_is_rated_down_later_brings_nothing_bad_back(workspace: Workspace) -> None:
    assert learnt(workspace, BAD, CORRECTED, replace(CORRECTED, karma=-1, source="rated")) == []


def test_other_prompts_and_rows_without_karma_are_left_alone() -> None:
    plain = voice((HELP, "Yes."), (HELP, "No."))
    other = make_row("Who are you?", "Luna.", karma=1)
    kept, left = usable([*plain, other, *voice((HELP, "Of course!"), karma=-1)])
    assert kept == [*plain, other]
    assert left == 1


def test_an_import_gives_way_to_the_answer_a_person_stands_by_wherever_it_lies() -> None:
    imported = voice((HELP, "Yes."), ("Why?", "Because."))
    corrected = make_row(HELP, "With what?", karma=2)
    assert usable([*imported, corrected]) == ([imported[1], corrected], 1)
    assert usable([corrected, *imported]) == ([corrected, imported[1]], 1)


def test_documents_with_karma_answer_no_prompt_and_all_stay() -> None:
    documents = [make_row("", text, kind="text", karma=1) for text in ("one", "two", "three")]
    assert usable(documents) == (documents, 0)


def test_the_same_words_without_karma_go_with_the_answer_that_was_rated_down() -> None:
    (plain,) = voice((HELP, "Of course!"))
    assert usable([plain, replace(plain, karma=-1)]) == ([], 2)


def test_karma_counts_what_can_be_learnt(workspace: Workspace) -> None:
    say(workspace, GOOD, BAD, CORRECTED, InboxRow("Who?", "Luna.", 1, "rated"), InboxRow("Why?", "Alas.", -1, "rated"))
    assert (count(workspace), [row.karma for row in trainable_rows(workspace)]) == (2, [2, 1])


# The selection of a generation


def test_a_generation_leaves_out_what_was_rated_down_and_says_so(workspace: Workspace) -> None:
    rows = say(workspace, BAD, CORRECTED, GOOD, InboxRow("Why?", "Alas.", -1, "rated"))
    selection = select(voice(*FILLING), rows)
    answers = {row.response for row in selection.rows}
    assert GOOD.response in answers
    assert answers.isdisjoint({BAD.response, CORRECTED.response, "Alas."})
    assert (selection.rated_down, selection.replaced) == (2, 1)
    assert selection.to_dict()["rated_down"] == 2
    assert selection.reason.endswith("(left out: 2 rated down, 1 replaced by a later answer)")


def test_rating_an_answer_down_takes_it_out_of_the_curriculum_too(workspace: Workspace) -> None:
    curriculum = voice(*FILLING, (BAD.prompt, BAD.response))
    assert BAD.response in {row.response for row in select(curriculum, []).rows}
    assert BAD.response not in {row.response for row in select(curriculum, say(workspace, BAD)).rows}


@pytest.mark.parametrize("given_as_data", [False, True])
def test_a_row_with_negative_karma_is_not_learnt_from_the_curriculum_or_from_data(given_as_data: bool) -> None:
    rows = [*voice(*FILLING), *voice((HELP, "Of course!"), karma=-0.5)]
    selection = select(voice(*FILLING), [], data=rows) if given_as_data else select(rows, [])
    assert "Of course!" not in {row.response for row in selection.rows}
    assert selection.rated_down == 1


def test_a_rating_that_was_taken_back_lets_the_row_of_the_curriculum_be_learnt(workspace: Workspace) -> None:
    rows = say(workspace, BAD, replace(BAD, karma=1))
    assert rated_down(rows) == frozenset()
    assert BAD.response in {row.response for row in select(voice(*FILLING), rows).rows}


def test_nothing_but_answers_rated_down_is_nothing_to_learn(workspace: Workspace) -> None:
    with pytest.raises(UsageError) as refused:
        select([], say(workspace, BAD))
    assert "no rows in talk and the inbox (left out: 1 rated down)" in refused.value.title
    assert "unseen rows for" not in refused.value.hint


def test_rows_without_any_rating_are_selected_as_ever() -> None:
    selection = select(voice(*FILLING), voice(("a", "b"), ("a", "c")))
    assert len(selection.rows) == len(FILLING) + 2
    assert (selection.rated_down, selection.replaced) == (0, 0)
    assert selection.reason == "converse: all 32 unseen rows of talk and the inbox"


def test_an_answer_with_a_control_marker_is_refused_unless_markers_are_kept(workspace: Workspace) -> None:
    row = replace(GOOD, response="With what?<|im_end|>")
    with pytest.raises(UsageError, match="control marker"):
        append_row(workspace, row)
    append_row(workspace, row, keep_markers=True)
    assert (workspace.root / "inbox" / "chat.jsonl").exists()
