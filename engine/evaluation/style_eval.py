"""How a model speaks: the tone probes as the exams ask them, of any model, once; and whether two were asked the same.

Probes and phrases are the person's to change, so what was recorded when a generation was judged may answer other
questions than are asked now. Answers are taken as recorded where they were asked the very same, else asked again; what
cannot be asked again is told apart. Phrases need no asking: recorded answers are looked through with today's list.
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
"""What tone was probed with: id and wording of every probe, and the numbers of its samples."""


@dataclass(frozen=True, slots=True)
class Questions:
    """Tone probes, and how each is asked."""

    probes: tuple[ToneProbe, ...]
    options: StyleOptions

    @property
    def asked(self) -> Asked:
        """What answers to them say they were asked."""
        samples = range(self.options.samples + 1)
        return frozenset((probe.id, probe.prompt, sample) for probe in self.probes for sample in samples)


@dataclass(frozen=True, slots=True)
class Tone:
    """How a model answered; `why_other` says why these are answers to other questions than were meant, "" if not."""

    style: StyleResult
    why_other: str = ""


def questions_now(workspace: Workspace, config: Config) -> Questions:
    """Return what luna.toml asks now; raises UsageError when the probes cannot be used."""
    return Questions(tuple(tone_probes(workspace, config)), style_options(config))


def recorded_questions(workspace: Workspace, config: Config, gen: int) -> Questions | None:
    """Return what a generation was asked when it was judged, None where nothing was recorded.

    Temperature and length are not told by its answers: they are luna.toml's.
    """
    if not (workspace.generation(gen) / "evals.json").exists():
        return None
    answers = read_examination(workspace.generation(gen)).tone_answers
    probes = tuple(ToneProbe(answer.probe_id, answer.prompt) for answer in answers if answer.sample == 0)
    samples = max((answer.sample for answer in answers), default=0)
    return Questions(probes, replace(style_options(config), samples=samples)) if probes else None


def asked_of(answers: Iterable[ToneAnswer]) -> Asked:
    """Return what these answers were asked."""
    return frozenset((answer.probe_id, answer.prompt, answer.sample) for answer in answers)


def most_asked(tones: Sequence[Tone]) -> Asked:
    """Return what most of these models were asked; of as many the first."""
    asked = [asked_of(tone.style.answers) for tone in tones]
    return max(asked, key=asked.count)


def asked_sha(answers: Iterable[ToneAnswer], options: StyleOptions) -> str:
    """Return a short name of what was asked, and how: two generations with the same one have comparable drifts."""
    how = {name: value for name, value in options.to_dict().items() if name != "samples"}
    return sha256_text(canonical_json([sorted(map(list, asked_of(answers))), how]))[:16]


def tone_of(sittings: ResultCache, model: ModelRef, questions: Questions | None = None) -> Tone:
    """Return how a model answers `questions`, luna.toml's if none are given, judged by today's phrases.

    As recorded when a generation was judged, if that was asked the same; else as asked before, or now. Where a
    generation cannot be asked, its recorded answers to other questions are returned with the reason. Raises Interrupted
    on a stop, and what `ResultCache.loaded` raises for a model that has nothing recorded.
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
        pass  # not asked yet, or what was kept is hurt
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
    """Return the drift of a recorded generation as far as it can stand beside that of `answers`, None where it was
    asked other questions.

    Its answers are judged by today's phrases; where they are not kept, the `recorded` number is all there is.
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
    """Whether a manifest says that the same probes were asked at another temperature, or for longer answers."""
    manifest = workspace.manifest(gen)
    noted = manifest.data.get("tone_asked") if manifest else None
    return noted not in (None, asked_sha(answers, style_options(config)))


def _judged(style: StyleResult, found: Sequence[Phrase]) -> StyleResult:
    """The same answers, looked through with these phrases."""
    answers = tuple(replace(answer, hits=tuple(find_corporate(answer.text, found))) for answer in style.answers)
    drift = Score.of(sum(bool(answer.hits) for answer in answers), len(answers))
    return replace(style, drift=drift, answers=answers)
