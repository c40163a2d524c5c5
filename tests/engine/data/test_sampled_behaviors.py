"""`behaviors --from` on a real GGUF: a generation answers, or the person hears why it cannot."""

from __future__ import annotations

import pytest
from tiny_workspace import TinyWorkspace

from engine.core.cancellation import Control
from engine.core.errors import UsageError
from engine.data.persona import Persona
from engine.data.sampled_behaviors import sample_behaviors
from engine.evaluation.model_ref import generation_ref
from engine.evaluation.result_cache import ResultCache

pytestmark = pytest.mark.slow

PERSONA = Persona.model_validate(
    {
        "name": "tiny",
        "words": {"n": [str(n) for n in range(30)]},
        "max_words": 12,
        "situations": [
            {
                "name": "help",
                "turns": [{"prompts": ["Can you help me, {n}?", "Who are you, {n}?"], "answers": ["What?"]}],
                "examples": [{"prompt": "Help.", "response": "With what?"}],
            }
        ],
    }
)


def test_a_generation_answers_and_the_same_seed_gives_the_same(lineage: TinyWorkspace) -> None:
    model = generation_ref(lineage.workspace.lineage(), 3)
    with ResultCache(lineage.workspace, lineage.config(), progress=lambda *_: None, control=Control()) as sittings:

        def sampled() -> list[tuple[str, str]]:
            with sittings.loaded(model) as runtime:
                try:
                    rows, report = sample_behaviors(PERSONA, runtime, 4, seed=1, temperature=1.0)
                except UsageError as error:  # so small a model may ramble: the same each time, and it says how much
                    return [("can be used", error.title[error.title.index("can be used") :])]
            assert report.rows == 4
            return [(row.prompt, row.response) for row in rows]

        assert sampled() == sampled()
