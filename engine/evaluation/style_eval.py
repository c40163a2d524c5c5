"""A model's style: its answers to the tone probes, computed once, and whether two models were asked the same.

Users may change probes and phrases, so what was recorded when a generation was judged may answer other probes than the
current ones. Recorded answers are used where exactly the same was asked, else the model is prompted again; where that
is not possible, the result says so. Phrases need no new answers: recorded answers are searched with the current list.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace

from engine.config.config import Config
from engine.core.errors import Interrupted, LunaError
from engine.evaluation.model_ref import ModelRef
from engine.evaluation.result_cache import ResultCache
from engine.evaluation.run_eval import phrases, read_examination, style_options, tone_probes
from engine.workspace.layout import Workspace
from ledger.hashing import canonical_json, sha256_text
from probes.phrases import Phrase, find_corporate
from probes.statistics.intervals import Score
from probes.style import StyleOptions, StyleResult, ToneAnswer, ToneProbe, run_style

Asked = frozenset[tuple[str, str, int]]
"""What a tone was probed with: id and prompt of every probe, and the numbers of its samples."""


@dataclass(frozen=True, slots=True)
class Questions:
    """Tone probes, and the options they are sampled with."""

    probes: tuple[ToneProbe, ...]
    options: StyleOptions

    @property
    def asked(self) -> Asked:
        """The probes and samples, in the form that answers record them."""
        samples = range(self.options.samples + 1)
        return frozenset((probe.id, probe.prompt, sample) for probe in self.probes for sample in samples)


@dataclass(frozen=True, slots=True)
class Tone:
    """A model's tone answers; `why_other` says why they answer other probes than requested, "" if they do not."""

    style: StyleResult
    why_other: str = ""


def questions_now(workspace: Workspace, config: Config) -> Questions:
    """Return the probes and options of luna.toml as it is now; raises UsageError when the probes cannot be used."""
    return Questions(tuple(tone_probes(workspace, config)), style_options(config))


def recorded_questions(workspace: Workspace, config: Config, gen: int) -> Questions | None:
    """Return what a generation was probed with when it was judged, None where nothing was recorded.

    Temperature and length are not recorded with its answers: they are luna.toml's.
    """
    if not (workspace.generation(gen) / "evals.json").exists():
        return None
    answers = read_examination(workspace.generation(gen)).tone_answers
    probes = tuple(ToneProbe(answer.probe_id, answer.prompt) for answer in answers if answer.sample == 0)
    samples = max((answer.sample for answer in answers), default=0)
    return Questions(probes, replace(style_options(config), samples=samples)) if probes else None


def asked_of(answers: Iterable[ToneAnswer]) -> Asked:
    """Return the probes and samples that these answers belong to."""
    return frozenset((answer.probe_id, answer.prompt, answer.sample) for answer in answers)


def most_common_probes(tones: Sequence[Tone]) -> Asked:
    """Return the probes that most of these models were run on; the first of equally frequent ones."""
    asked = [asked_of(tone.style.answers) for tone in tones]
    return max(asked, key=asked.count)


def asked_sha(answers: Iterable[ToneAnswer], options: StyleOptions) -> str:
    """Return a short hash of the probes and options: two generations with the same hash have comparable drifts."""
    how = {name: value for name, value in options.to_dict().items() if name != "samples"}
    return sha256_text(canonical_json([sorted(map(list, asked_of(answers))), how]))[:16]


def tone_of(sittings: ResultCache, model: ModelRef, questions: Questions | None = None) -> Tone:
    """Return a model's answers to `questions` (default: luna.toml's), searched for the current phrases.

    Recorded answers are used if the generation was asked the same when it was judged, else cached ones, else the model
    is run now. Where a generation cannot be run, its recorded answers to other probes are returned with the reason.
    Raises Interrupted on a stop request, and what `ResultCache.loaded` raises for a model that has nothing recorded.
    """
    workspace, config = sittings.workspace, sittings.config
    wanted, found = questions or questions_now(workspace, config), phrases(workspace, config)
    recorded: StyleResult | None = None
    if model.gen is not None and (workspace.generation(model.gen) / "evals.json").exists():
        told = read_examination(workspace.generation(model.gen))
        recorded = _judged(StyleResult(told.drift, told.answered, told.tone_answers), found)
        if _asked_alike(workspace, model.gen, told.tone_answers, wanted):
            return Tone(recorded)
    asked = [[probe.to_dict() for probe in wanted.probes], wanted.options.to_dict(), [each.pattern for each in found]]
    name = f"tone-{sha256_text(canonical_json(asked))}"
    try:
        kept = sittings.kept(model, name)
        answers = tuple(ToneAnswer.from_dict(answer) for answer in kept["answers"])
        return Tone(StyleResult(Score.from_dict(kept["drift"]), Score.from_dict(kept["answered"]), answers))
    except (KeyError, TypeError, ValueError):
        pass  # not computed yet, or the cache is corrupt
    try:
        with sittings.loaded(model) as runtime:
            style = run_style(runtime, wanted.probes, found, **asdict(wanted.options), progress=sittings.progress)
    except Interrupted:
        raise
    except LunaError as error:
        if recorded is None:
            raise
        return Tone(recorded, why_other=error.title)
    sittings.keep(model, name, style.to_dict())
    return Tone(style)


def comparable_drift(
    workspace: Workspace, config: Config, gen: int, answers: Sequence[ToneAnswer], recorded: float | None
) -> float | None:
    """Return the drift of a recorded generation where it is comparable with that of `answers`, else None.

    It is not comparable where the generation was run on other probes. Its answers are searched for the current phrases;
    where they are not kept, the `recorded` number is returned.
    """
    if not (workspace.generation(gen) / "evals.json").exists():
        return recorded
    told = read_examination(workspace.generation(gen))
    if asked_of(told.tone_answers) != asked_of(answers) or _asked_otherwise(workspace, gen, answers, config):
        return None
    style = StyleResult(told.drift, told.answered, told.tone_answers)
    return _judged(style, phrases(workspace, config)).drift.value


def _asked_alike(workspace: Workspace, gen: int, answers: Sequence[ToneAnswer], wanted: Questions) -> bool:
    manifest = workspace.manifest(gen)
    noted = manifest.data.get("tone_asked") if manifest else None
    return asked_of(answers) == wanted.asked and noted in (None, asked_sha(answers, wanted.options))


def _asked_otherwise(workspace: Workspace, gen: int, answers: Sequence[ToneAnswer], config: Config) -> bool:
    """Return whether a manifest says that the same probes were run at another temperature or answer length."""
    manifest = workspace.manifest(gen)
    noted = manifest.data.get("tone_asked") if manifest else None
    return noted not in (None, asked_sha(answers, style_options(config)))


def _judged(style: StyleResult, found: Sequence[Phrase]) -> StyleResult:
    """Return the same answers, searched for these phrases."""
    answers = tuple(replace(answer, hits=tuple(find_corporate(answer.text, found))) for answer in style.answers)
    drift = Score.of(sum(bool(answer.hits) for answer in answers), len(answers))
    return replace(style, drift=drift, answers=answers)
