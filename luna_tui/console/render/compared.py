"""The data of a comparison of two generations: how they are related, their scores, and their answers in pairs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from engine.core.counted import counted
from engine.core.gen_label import gen_label
from luna_tui.console.render.generation_page import scores_of
from luna_tui.console.render.made_with import Values, mapping
from luna_tui.console.state.console_state import ConsoleState


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two generations; `gen` None is the base. `reading` is set while its manifest is still being loaded."""

    gen: int | None
    row: Values | None = None
    manifest: Values | None = None
    reading: bool = False
    evaluation: Values | str | None = None

    @property
    def name(self) -> str:
        """The generation's name: `G3`, or `base`."""
        return gen_label(self.gen)

    @property
    def scores(self) -> Values:
        """Its recorded scores; for the base those of the evaluation that was run."""
        if self.gen is None:
            return mapping(self.evaluation.get("scores")) if isinstance(self.evaluation, Mapping) else {}
        return scores_of(self.row or {}, self.manifest)

    @property
    def items(self) -> Sequence[Values]:
        """Its exam items, empty until they are loaded."""
        return self.evaluation.get("items") or () if isinstance(self.evaluation, Mapping) else ()

    @property
    def tone(self) -> Sequence[Values]:
        """Its tone answers, empty until they are loaded."""
        return self.evaluation.get("tone") or () if isinstance(self.evaluation, Mapping) else ()


@dataclass(frozen=True, slots=True)
class Comparison:
    """Both generations, how they are related, and the target scores."""

    one: Side
    other: Side
    related: str = ""
    targets: Mapping[str, float] = field(default_factory=dict[str, float])


def comparison_of(state: ConsoleState, one: int | None, other: int | None) -> Comparison:
    """Return the comparison of two generations from the console's state."""
    return Comparison(_side(state, one), _side(state, other), _related(state, one, other), state.targets)


def _side(state: ConsoleState, gen: int | None) -> Side:
    if gen is None:
        return Side(None, evaluation=state.evaluations.get("base"))
    reading = gen not in state.manifests
    return Side(gen, state.row(gen), state.manifests.get(gen), reading, state.evaluations.get(f"G{gen}"))


def _related(state: ConsoleState, one: int | None, other: int | None) -> str:
    for younger, older in ((other, one), (one, other)):
        way = _way(state, younger)
        if older != younger and older in way:
            steps = way.index(older)
            name, ancestor = f"G{younger}", "the base" if older is None else f"G{older}"
            return (
                f"{name} was trained from {ancestor}"
                if steps == 1
                else f"{name} is {counted(steps, 'generation')} after {ancestor}"
            )
    first = _way(state, one)
    common = next((gen for gen in _way(state, other) if gen in set(first)), None)
    return f"two branches from {'the base' if common is None else f'G{common}'}"


def _way(state: ConsoleState, gen: int | None) -> list[int | None]:
    """Return a generation and all its ancestors, the base last."""
    way: list[int | None] = []
    while gen is not None and len(way) <= len(state.by_gen):
        way.append(gen)
        gen = (state.row(gen) or {}).get("parent_gen")
    return [*way, None]


@dataclass(frozen=True, slots=True)
class ItemPair:
    """The answers of two generations to one item: raw outputs, and which were right."""

    prompt: str
    expected: str
    outputs: tuple[str, str]
    rights: tuple[bool, bool]

    @property
    def differs(self) -> bool:
        """Whether the two outputs differ, apart from surrounding space."""
        return self.outputs[0].strip() != self.outputs[1].strip()


@dataclass(frozen=True, slots=True)
class TonePair:
    """The answers of two generations to one tone probe at temperature 0, with the corporate phrases in them."""

    prompt: str
    texts: tuple[str, str]
    hits: tuple[Sequence[Values], Sequence[Values]]


def pair_items(one: Sequence[Values], other: Sequence[Values]) -> list[ItemPair]:
    """Pair the items that both generations were evaluated on, in the order of the second."""
    first = {item["id"]: item for item in one}
    pairs: list[ItemPair] = []
    for right in other:
        left = first.get(right["id"])
        if left is not None:
            outputs = (str(left["output"]), str(right["output"]))
            rights = (float(left["score"]) >= 1.0, float(right["score"]) >= 1.0)
            pairs.append(ItemPair(str(right["prompt"]), str(right["expected"]), outputs, rights))
    return pairs


def pair_tone(one: Sequence[Values], other: Sequence[Values]) -> list[TonePair]:
    """Pair the greedy answers to the tone probes that both were given in the same words."""
    first = {_probe(answer): answer for answer in one if answer.get("sample") == 0}
    pairs: list[TonePair] = []
    for right in other:
        left = first.get(_probe(right))
        if left is not None and right.get("sample") == 0:
            texts = (str(left["text"]), str(right["text"]))
            pairs.append(TonePair(str(right["prompt"]), texts, (left["hits"], right["hits"])))
    return pairs


def same_tone_probes(one: Sequence[Values], other: Sequence[Values]) -> bool:
    """Return whether both were given the same tone probes, in the same words and as often: only then are drifts
    comparable.
    """
    first, second = ({(*_probe(answer), answer.get("sample")) for answer in answers} for answers in (one, other))
    return first == second


def _probe(answer: Values) -> tuple[str, str]:
    return str(answer["probe_id"]), str(answer["prompt"])
