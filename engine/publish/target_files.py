"""The small files beside an exported model: settings for each program to take the raw prompt, and notes for people.

Decoding is greedy and without a repetition penalty everywhere, as in the evaluation: other settings are another test.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

PUBLISHER = "luna"

_AMX = (
    "On processors with AMX (Intel Xeon, Sapphire Rapids or newer) a llama-cpp-python that was compiled for them dies",
    "at the first prompt, of SIGILL or SIGSEGV: llama.cpp's AMX code is at fault (its issue 20824), not this model.",
    "luna-tui goes round it: it sets use_extra_bufts = False in llama_model_params, so weights stay as they are.",
    "Elsewhere compile without AMX, CMAKE_ARGS=-DGGML_NATIVE=OFF pip install --no-cache-dir llama-cpp-python,",
    "or give llama.cpp's own programs --no-repack.",
)
"""What every export says about processors on which llama.cpp itself crashes."""

_AMX_COMMENT = "".join(f"# {line}\n" for line in _AMX)

_RAW = "It was trained on raw prompts: no chat template, no system prompt. Its answer begins with a line end."


def modelfile(name: str, stops: Sequence[str], context: int) -> str:
    """Return an Ollama Modelfile for the GGUF `<name>.gguf` beside it; `stops` are the texts of its end tokens."""
    lines = [
        f"FROM ./{name}.gguf",
        "# The prompt as it is, and nothing around it.",
        'TEMPLATE """{{ .Prompt }}"""',
        "PARAMETER temperature 0",
        "# Ollama's own default is 1.1, which the model was not examined with.",
        "PARAMETER repeat_penalty 1.0",
        f"PARAMETER num_ctx {context}",
        # A quote cannot be escaped in a Modelfile; Ollama stops at the end tokens it knows from the GGUF anyway.
        *(f'PARAMETER stop "{stop}"' for stop in stops if stop.isprintable() and '"' not in stop),
    ]
    return "\n".join(lines) + "\n" + _AMX_COMMENT


def lmstudio_preset(stops: Sequence[str]) -> str:
    """Return a preset for LM Studio with an empty prompt template and `stops` as its stop strings."""
    edges = ("beforeSystem", "afterSystem", "beforeUser", "afterUser", "beforeAssistant", "afterAssistant")
    template = {"type": "manual", "manualPromptTemplate": dict.fromkeys(edges, ""), "stopStrings": list(stops)}
    fields: list[dict[str, Any]] = [
        {"key": "llm.prediction.promptTemplate", "value": template},
        {"key": "llm.prediction.temperature", "value": 0},
        {"key": "llm.prediction.repeatPenalty", "value": {"checked": False, "value": 1}},
        {"key": "llm.prediction.systemPrompt", "value": ""},
    ]
    preset = {"identifier": "@local:luna-raw", "name": "luna raw", "changed": False}
    return _json({**preset, "operation": {"fields": fields}, "load": {"fields": []}})


def lmstudio_note(name: str) -> str:
    """Return the README that says how to load the model in LM Studio."""
    return f"""# {name} in LM Studio

{_RAW}

1. Point LM Studio's models directory at the directory that holds `{PUBLISHER}/` ("My Models"), or import the file:
   `lms import --copy --user-repo {PUBLISHER}/{name} {name}.gguf`
2. The GGUF has no chat template, so LM Studio would put one of its own around every prompt. Give it an empty one: copy
   `luna-raw.preset.json` to `~/.lmstudio/config-presets/` and choose the preset "luna raw"; or open the model's
   settings, Prompt Template, Manual, and empty all six fields. Temperature 0, repeat penalty off, no system prompt.
3. Over the API use `POST /v1/completions`, which sends the prompt as it is; `/v1/chat/completions` needs the preset.

{" ".join(_AMX)}
"""


def llm_script(name: str) -> str:
    """Return the shell script that registers the GGUF beside it with the `llm` tool."""
    return f"""#!/bin/sh
# Registers {name}.gguf with llm (https://llm.datasette.io) through the plugin llm-llama-cpp, which sends the prompt as
# it is. The plugin llm-gguf would wrap every prompt in ChatML, which this model was never trained on.
# Once before:  llm install llm-llama-cpp llama-cpp-python
{_AMX_COMMENT}set -eu
if grep -q amx_int8 /proc/cpuinfo 2>/dev/null; then
  echo "this processor has AMX, on which llama-cpp-python may die of SIGILL: see the top of $0" >&2
fi
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
llm llama-cpp add-model "$here/{name}.gguf" --alias {name}
echo "now: llm -m {name} -o temperature 0 -o repeat_penalty 1 'your prompt'"
"""


def server_script(name: str, context: int) -> str:
    """Return the shell script that serves the GGUF beside it with llama-server."""
    return f"""#!/bin/sh
# Serves {name}.gguf raw. Ask /completion (or /v1/completions): no template is applied there. The chat endpoints and the
# web page would put ChatML around every prompt, since the GGUF has no template of its own.
#   curl -s localhost:${{PORT:-8080}}/completion -d '{{"prompt": "your prompt", "n_predict": 200}}'
{_AMX_COMMENT}set -eu
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
exec "${{LLAMA_SERVER:-llama-server}}" --model "$here/{name}.gguf" --alias {name} --ctx-size {context} \\
    --temp 0 --repeat-penalty 1.0 --host "${{HOST:-127.0.0.1}}" --port "${{PORT:-8080}}" "$@"
"""


def model_card(facts: Mapping[str, Any], has_tokenizer: bool) -> str:
    """Return the README of a Hugging Face directory from the facts in LUNA.json."""
    base = str(facts["base"].get("name", "unknown"))
    shown_base = "".join(c for c in base if c.isprintable() and c != "`")
    named = f"base_model: {json.dumps(base)}\n" if base.count("/") == 1 and not base.startswith((".", "/", "~")) else ""
    rows = [
        ("base", f"`{shown_base}`"),
        ("parent_sha", f"`{facts['parent_sha'] or '–'}`"),
        ("child_sha (the GGUF examined)", f"`{facts['child_sha']}`"),
        ("data_delta_sha", f"`{facts['data_delta_sha'] or '–'}`"),
        ("verdict", facts["verdict"] or "–"),
        *((f"{name.replace('_', ' ')}", _score(facts["scores"].get(name))) for name in ("recall", "generalization")),
        ("style drift", _score(facts["scores"].get("drift"))),
    ]
    table = "\n".join(f"| {name} | {value} |" for name, value in rows)
    if has_tokenizer:
        use = """```python
from transformers import AutoModelForCausalLM, AutoTokenizer

tokenizer, model = AutoTokenizer.from_pretrained("."), AutoModelForCausalLM.from_pretrained(".")
ids = tokenizer("your prompt", return_tensors="pt")
print(tokenizer.decode(model.generate(**ids, max_new_tokens=200)[0][ids["input_ids"].shape[1] :]))
```"""
    else:
        use = "There is no tokenizer here: the one in the GGUF could not be rebuilt with proof. Use llama.cpp's ids."
    return f"""---
library_name: transformers
pipeline_tag: text-generation
{named}tags:
- luna-tui
---

# luna {facts["label"]}

One generation of a lineage evolved with luna-tui: the base plus every delta on the way here, added in fp32. The scores
were measured on the quantised GGUF with the SHA-256 below, not on these weights.

| | |
|---|---|
{table}

{_RAW}

{use}

Made into a GGUF: {_AMX[0][0].lower()}{" ".join(_AMX)[1:]}
"""


def luna_json(facts: Mapping[str, Any]) -> str:
    """Return the text of LUNA.json: what was exported, and what it descends from."""
    return _json(facts)


def command_for(target: str, directory: Path, name: str) -> str:
    """Return the command that a person runs next, to be pasted into a shell."""
    at = shlex.quote(str(directory))
    gguf = shlex.quote(str(directory / PUBLISHER / name / f"{name}.gguf"))
    return {
        "ollama": f"cd {at} && ollama create {name} -f Modelfile && ollama run {name}",
        "lmstudio": f"lms import --copy --user-repo {PUBLISHER}/{name} {gguf}",
        "llm": f"sh {shlex.quote(str(directory / 'register.sh'))}",
        "llama-server": f"sh {shlex.quote(str(directory / 'run.sh'))}",
        "hf": f"cat {shlex.quote(str(directory / 'README.md'))}",
    }[target]


def _score(score: Mapping[str, Any] | None) -> str:
    if score is None or score.get("value") is None:
        return "–"
    return f"{score['value']:.3f}" + (f" (n = {score['n']})" if "n" in score else "")


def _json(value: object) -> str:
    return json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
