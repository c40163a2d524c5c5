"""How a model speaks: the tone probes as the exams ask them, of any model, once."""

from __future__ import annotations

from dataclasses import asdict

from engine.examinee import Examinee
from engine.sitting import Sittings
from engine.steps.examine import phrases, read_examination, style_options, tone_probes
from ledger.hashing import canonical_json, sha256_text
from probes.statistics import Score
from probes.style import StyleResult, ToneAnswer, run_style


def tone_of(sittings: Sittings, model: Examinee) -> StyleResult:
    """Return drift, the share answered and the answers: as recorded when a generation was judged, else asked now."""
    workspace, config = sittings.workspace, sittings.config
    if model.gen is not None and (workspace.generation(model.gen) / "evals.json").exists():
        recorded = read_examination(workspace.generation(model.gen))
        return StyleResult(recorded.drift, recorded.answered, recorded.tone_answers)
    probes, found, options = tone_probes(workspace, config), phrases(workspace, config), style_options(config)
    asked = [[probe.to_dict() for probe in probes], options.to_dict(), [phrase.pattern for phrase in found]]
    name = f"tone-{sha256_text(canonical_json(asked))}"
    try:
        kept = sittings.kept(model, name)
        answers = tuple(ToneAnswer.from_dict(answer) for answer in kept["answers"])
        return StyleResult(Score.from_dict(kept["drift"]), Score.from_dict(kept["answered"]), answers)
    except (KeyError, TypeError, ValueError):
        pass  # not asked yet, or what was kept is hurt
    with sittings.loaded(model) as runtime:
        style = run_style(runtime, probes, found, **asdict(options), progress=sittings.progress)
    sittings.keep(model, name, style.to_dict())
    return style
