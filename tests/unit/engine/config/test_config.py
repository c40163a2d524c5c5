"""What a person sees when `luna.toml`, a variable or a flag is wrong, and which of them wins."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from engine.config.config import Config
from engine.config.load import load_config
from engine.config.render import default_toml
from engine.core.errors import UsageError


def load(folder: Path, text: str, flags: dict[str, object] | None = None, env: dict[str, str] | None = None) -> Config:
    (folder / "luna.toml").write_text(text, encoding="utf-8")
    return load_config(folder, flags or {}, env or {})


def refused(
    folder: Path, text: str, flags: dict[str, object] | None = None, env: dict[str, str] | None = None
) -> UsageError:
    with pytest.raises(UsageError) as caught:
        load(folder, text, flags, env)
    assert caught.value.exit_code == 2
    return caught.value


def test_the_default_file_reads_back_to_the_defaults(tmp_path: Path) -> None:
    assert load(tmp_path, default_toml()).model_dump() == Config().model_dump()


def test_every_key_of_the_default_file_has_a_comment_above_it() -> None:
    lines = default_toml().splitlines()
    keys = [number for number, line in enumerate(lines) if "=" in line and not line.startswith("# ")]
    assert len(keys) > 45
    assert all(lines[number - 1].startswith("# ") for number in keys)
    assert all(len(line) <= 120 for line in lines)


def test_the_default_file_names_every_key_even_the_unset_ones() -> None:
    text = default_toml()
    for key in ("steps = 300", "lr = 2e-4", 'method = "lora"'):
        assert f"# {key}" in text
    uncommented = text.replace("# steps = 300", "steps = 300").replace("# lr = 2e-4", "lr = 2e-4")
    assert tomllib.loads(uncommented)["train"]["steps"] == 300


def test_a_profile_has_its_own_values_and_reads_back_to_them(tmp_path: Path) -> None:
    values: dict[str, object] = {
        "train.base.steps": 120,
        "train.converse.lr": 1.5e-3,
        "model.base": 'a "quoted" \x7f path',
        "train.align.method": "full",
        "model.ladder": ["a", "b"],
    }
    text = default_toml("demo", values)
    config = load(tmp_path, text)
    assert "lr = 1.5e-3" in text
    assert config.recipe("base").steps == 120
    assert config.recipe("converse").lr == 1.5e-3
    assert config.recipe("align").method == "full"
    assert config.model.base == 'a "quoted" \x7f path'
    assert config.model.ladder == ("a", "b")
    assert config.replay == Config().replay


def test_a_profile_with_a_wrong_value_is_refused() -> None:
    with pytest.raises(UsageError, match="batch_size = 0 is not allowed"):
        default_toml("demo", {"train.batch_size": 0})


def test_a_missing_file_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not a workspace") as caught:
        load_config(tmp_path, {}, {})
    assert caught.value.hint == f"write a fresh one with: luna-tui init {tmp_path}"


@pytest.mark.parametrize("text", ["", "  \n\n", "\ufeff"])
def test_an_empty_file_is_refused_with_a_remedy(tmp_path: Path, text: str) -> None:
    error = refused(tmp_path, text)
    assert error.title == "the file is empty"
    assert "luna-tui init" in error.hint


def test_a_folder_in_place_of_the_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "luna.toml").mkdir()
    with pytest.raises(UsageError, match="cannot be read"):
        load_config(tmp_path, {}, {})


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("[train]\nbatch_size = = 3\n", 2, 14),
        ("[train\nseed = 1\n", 1, 7),
        ("[train]\nseed = 1\nseed = 2\n", 3, 9),
        ('[model]\nbase = "open', 2, 13),
        ("[model]\nladder = [1,", 2, 13),
    ],
)
def test_malformed_toml_is_shown_with_line_and_column(tmp_path: Path, text: str, line: int, column: int) -> None:
    error = refused(tmp_path, text)
    assert f"malformed TOML at line {line}, column {column}" in error.title
    assert error.where == f"luna.toml:{line}"
    assert error.hint.startswith("the line reads: ")


def test_a_file_that_is_not_utf8_names_the_line(tmp_path: Path) -> None:
    (tmp_path / "luna.toml").write_bytes(b"[model]\n# ok\nbase = 'm\xfcll'\n")
    with pytest.raises(UsageError, match="not UTF-8") as caught:
        load_config(tmp_path, {}, {})
    assert caught.value.where.endswith("luna.toml:3")


def test_a_byte_order_mark_and_crlf_are_fine(tmp_path: Path) -> None:
    assert load(tmp_path, "\ufeff[train]\r\nseed = 7\r\n").train.seed == 7


def test_a_file_of_comments_only_is_the_default(tmp_path: Path) -> None:
    assert load(tmp_path, "# all defaults\n") == Config()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[train]\n\nstepz = 3\n", "unknown key [train] stepz — did you mean `steps`?"),
        ("[trian]\nseed = 3\n", "unknown section [trian] — did you mean `train`?"),
        ("[train]\nepsilon = 0.1\n", "unknown key [train] epsilon — did you mean [stop_rule] epsilon?"),
        ("[train.base]\nstep = 3\n", "unknown key [train.base] step — did you mean `steps`?"),
        ("[train.bass]\nsteps = 3\n", "unknown key [train] bass — did you mean `base`?"),
        ("seed = 3\n", "unknown key seed — did you mean [train] seed?"),
        ("[export]\nzzz = 3\n", "unknown key [export] zzz — known here: quant"),
        ("[export.quant]\nx = 1\n", None),
    ],
)
def test_an_unknown_key_suggests_the_near_one(tmp_path: Path, text: str, said: str | None) -> None:
    error = refused(tmp_path, text)
    if said:
        assert error.title == said
    assert error.where.startswith("luna.toml:")


def test_an_unknown_key_is_found_on_its_line(tmp_path: Path) -> None:
    text = "# seed = 1\n[model]\ncontext = 64\n\n[train]\nseed = 1\nstepz = 3\n"
    assert refused(tmp_path, text).where == "luna.toml:7"


def test_several_wrong_things_are_told_at_once(tmp_path: Path) -> None:
    error = refused(tmp_path, "[train]\nbatch_size = 0\nlr = -1.0\n[export]\nquant = 'q9'\n")
    assert error.title.startswith("3 values of the configuration are wrong:")
    assert "luna.toml:2: [train] batch_size = 0" in error.title
    assert 'luna.toml:5: [export] quant = "q9"' in error.title


@pytest.mark.parametrize(
    ("line", "shown", "allowed"),
    [
        ("[train]\nbatch_size = 0", "0", "a whole number, at least 1"),
        ("[train]\nbatch_size = 2.5", "2.5", "a whole number, at least 1"),
        ("[train]\nbatch_size = '8'", '"8"', "a whole number, at least 1"),
        ("[train]\nbatch_size = true", "true", "a whole number, at least 1"),
        ("[train]\nmethod = 'qlora'", '"qlora"', 'one of "lora", "full"'),
        ("[train.align]\nlr = 2", "2", "a number, above 0, at most 1"),
        ("[train.align]\nmethod = 'x'", '"x"', 'one of "lora", "full"'),
        ("[train]\nlr = nan", "nan", "a number, above 0, at most 1"),
        ("[train]\nsteps = -5", "-5", "a whole number, at least 1"),
        ("[train]\nalpha = inf", "inf", "a number, above 0"),
        ("[curriculum]\nholdout = 0.0", "0.0", "a number, above 0, at most 0.5"),
        ("[curriculum]\nstages = 'one'", '"one"', "a list of texts"),
        ("[curriculum]\nstages = []", "[]", "at least one stage"),
        ("[curriculum]\nstages = ['a', 'a']", "['a', 'a']", "stage names that differ from each other"),
        ("[curriculum]\nstages = ['../x']", "['../x']", "plain folder names ('../x' is none)"),
        ("[curriculum]\nstages = ['a', 3]", "['a', 3]", "a list of texts"),
        ("[replay]\nscope = 'all'", '"all"', 'one of "lineage", "parent"'),
        ("[stop_rule]\nenabled = 'yes'", '"yes"', "true or false"),
        ("[model]\nbase = ''", '""', "a text, not empty"),
        ("[model]\nbase = 3", "3", "a text, not empty"),
        ("[eval]\nrecall_target = 1.5", "1.5", "a number, at least 0, at most 1"),
    ],
)
def test_a_wrong_value_names_place_key_value_and_what_is_allowed(
    tmp_path: Path, line: str, shown: str, allowed: str
) -> None:
    error = refused(tmp_path, line + "\n")
    section, key = line.split("\n")[0], line.split("\n")[1].split(" ")[0]
    assert error.title == f"{section} {key} = {shown} is not allowed: it must be {allowed}"
    assert error.where == "luna.toml:2"


def test_a_value_in_place_of_a_table_is_refused(tmp_path: Path) -> None:
    error = refused(tmp_path, "train = 3\n")
    assert "train = 3 is not allowed: it must be a table" in error.title


def test_flags_win_over_variables_which_win_over_the_file(tmp_path: Path) -> None:
    text, env = "[train]\nseed = 1\n", {"LUNA_TRAIN__SEED": "2"}
    assert load(tmp_path, text).train.seed == 1
    assert load(tmp_path, text, env=env).train.seed == 2
    assert load(tmp_path, text, {"train.seed": 3}, env).train.seed == 3
    assert load(tmp_path, text, {"train.seed": None}, env).train.seed == 2


@pytest.mark.parametrize(
    ("name", "text", "section", "key", "value"),
    [
        ("LUNA_TRAIN__BATCH_SIZE", "8", "train", "batch_size", 8),
        ("LUNA_TRAIN__ALPHA", "12.5", "train", "alpha", 12.5),
        ("LUNA_STOP_RULE__ENABLED", "false", "stop_rule", "enabled", False),
        ("LUNA_CURRICULUM__STAGES", "a, b", "curriculum", "stages", ("a", "b")),
        ("LUNA_MODEL__BASE", "123", "model", "base", "123"),
        ("LUNA_TRAIN__LR", "2e-3", "train", "lr", 2e-3),
        ("LUNA_MODEL__BASE", "  ", "model", "base", "smollm2-135m"),
    ],
)
def test_a_variable_is_read_as_the_type_of_its_key(
    tmp_path: Path, name: str, text: str, section: str, key: str, value: object
) -> None:
    config = load(tmp_path, "# defaults\n", env={name: text})
    assert getattr(getattr(config, section), key) == value


@pytest.mark.parametrize("name", ["LUNA_HOME", "LUNAR__X", "PATH", "luna_train__seed"])
def test_other_variables_are_left_alone(tmp_path: Path, name: str) -> None:
    assert load(tmp_path, "# defaults\n", env={name: "whatever"}) == Config()


@pytest.mark.parametrize(
    ("env", "where", "said"),
    [
        ({"LUNA_TRAIN__STEPZ": "3"}, "LUNA_TRAIN__STEPZ", "unknown key [train] stepz — did you mean `steps`?"),
        ({"LUNA_TRAIN__SEED": "x"}, "LUNA_TRAIN__SEED", '[train] seed = "x" is not allowed'),
        ({"LUNA_STOP_RULE__ENABLED": "maybe"}, "LUNA_STOP_RULE__ENABLED", "true or false"),
        ({"LUNA_TRAIN__BASE__LR": "5"}, "LUNA_TRAIN__BASE__LR", "[train.base] lr = 5.0 is not allowed"),
    ],
)
def test_a_wrong_variable_is_named(tmp_path: Path, env: dict[str, str], where: str, said: str) -> None:
    error = refused(tmp_path, "# defaults\n", env=env)
    assert error.where == where
    assert said in error.title


def test_a_wrong_flag_is_named(tmp_path: Path) -> None:
    error = refused(tmp_path, "[train]\nsteps = 10\n", {"train.steps": -1})
    assert error.where == "--steps"
    assert error.title.startswith("[train] steps = -1 is not allowed")


def test_steps_for_all_phases_give_way_to_a_phase_table_in_the_same_place(tmp_path: Path) -> None:
    config = load(tmp_path, "[train]\nsteps = 10\n[train.align]\nsteps = 20\n")
    assert [config.recipe(phase).steps for phase in ("base", "align", "converse")] == [10, 20, 10]


def test_steps_given_as_a_flag_overrule_every_phase_table_of_the_file(tmp_path: Path) -> None:
    config = load(tmp_path, default_toml(), {"train.steps": 7, "train.method": "full", "train.lr": 0.5})
    for phase in ("base", "align", "converse"):
        recipe = config.recipe(phase)
        assert (recipe.steps, recipe.method, recipe.lr) == (7, "full", 0.5)


def test_a_method_for_one_phase_only(tmp_path: Path) -> None:
    config = load(tmp_path, "[train.align]\nmethod = 'full'\n")
    assert [config.recipe(phase).method for phase in ("base", "align", "converse")] == ["lora", "full", "lora"]
    flagged = load(tmp_path, "[train.align]\nmethod = 'full'\n", {"train.method": "lora"})
    assert flagged.recipe("align").method == "lora"


def test_the_original_recipe_is_the_default() -> None:
    config = Config()
    assert [(config.recipe(phase).steps, config.recipe(phase).lr) for phase in ("base", "align", "converse")] == [
        (500, 2e-4),
        (300, 2e-4),
        (350, 2e-4),
    ]
    assert config.recipe("base").rows_fed == 500 * 16
    assert config.recipe("base").to_dict()["targets"] == "all-linear"


def test_adapter_targets_may_be_named(tmp_path: Path) -> None:
    recipe = load(tmp_path, "[train]\ntargets = 'q_proj, v_proj'\n").recipe("base")
    assert recipe.targets == ("q_proj", "v_proj")
    assert recipe.to_dict()["targets"] == ["q_proj", "v_proj"]
