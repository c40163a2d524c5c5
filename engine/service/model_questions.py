"""Questions that a local GGUF proposes for what no rule covered; the answer stays a sentence of the document."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

from engine.core.cancellation import Control
from engine.data.questions.answers import Proposal, opening, points_elsewhere, word_count
from engine.data.questions.document import Document, Passage, read_document
from engine.data.questions.phrases import words_of
from engine.data.questions.propose import one_answer_each, propose, uncovered
from engine.data.questions.sentence_split import sentences
from engine.data.questions.words import AUXILIARIES, PRONOUNS
from engine.runtime.client import Runtime
from probes.base import Generation, ProgressCallback

_BATCH = 16
_MAX_TOKENS = 32
_N_CTX = 8192  # sixteen prompts of some hundred tokens side by side
_ASKING = frozenset(["what", "who", "whose", "which", "where", "when", "why", "how"]) | AUXILIARIES
_PROMPT = (
    "The ticket office opens at nine and closes at five.\nQuestion: When does the ticket office open?\n\n"
    "Gulls nest on the roof of the customs house.\nQuestion: Where do gulls nest?\n\n"
    "Old ropes are cut up and sold as doormats.\nQuestion: What happens to old ropes?\n\n"
    "{}\nQuestion:"
)


class Generates(Protocol):
    """A loaded model that continues raw prompts."""

    def generate(self, prompts: Sequence[str], *, max_tokens: int) -> list[Generation]: ...


def propose_questions(
    paths: Sequence[Path], *, gguf: Path | None = None, progress: ProgressCallback, control: Control
) -> list[Proposal]:
    """Read documents and return the proposals of the rules, and with `gguf` those of that model for the rest.

    Raises UsageError for a document that cannot be read, Interrupted when the work was stopped, and what loading a
    GGUF raises.
    """
    documents: list[Document] = []
    for number, path in enumerate(paths):
        control.check()
        progress(number, len(paths), path.name)
        documents.append(read_document(path))
    found = propose(documents)
    if gguf is None:
        return found
    progress(0, 0, f"loading {gguf.name}")
    with Runtime() as runtime:
        runtime.load(gguf, n_ctx=_N_CTX, n_parallel=_BATCH)
        return [*found, *ask_model(documents, found, runtime, progress=progress, control=control)]


def ask_model(
    documents: Sequence[Document],
    found: Sequence[Proposal],
    model: Generates,
    *,
    progress: ProgressCallback = lambda _done, _total, _label: None,
    control: Control | None = None,
) -> list[Proposal]:
    """Return one more proposal for each uncovered passage whose question by the model is a sound one."""
    open_ones = [(document, sentence) for document in documents for sentence in _sentences(document, found)]
    asked: list[Proposal] = []
    for start in range(0, len(open_ones), _BATCH):
        if control is not None:
            control.check()
        progress(start, len(open_ones), "asking the model")
        batch = open_ones[start : start + _BATCH]
        texts = model.generate([_PROMPT.format(sentence.text) for _, sentence in batch], max_tokens=_MAX_TOKENS)
        for (document, sentence), generation in zip(batch, texts, strict=True):
            question = checked_question(generation.text, sentence.text)
            if question:
                asked.append(Proposal(question, sentence.text, document.source(sentence.line), "model"))
    known = {id(proposal) for proposal in found}
    return [proposal for proposal in one_answer_each([*found, *asked]) if id(proposal) not in known]


def checked_question(text: str, sentence: str) -> str:
    """Return the question at the start of a model's text; empty unless it asks with words of the sentence."""
    question = text.strip().partition("\n")[0].strip()
    words = [word.lower() for word in words_of(question)]
    if not question.endswith("?") or question.count("?") > 1 or not 3 <= len(words) <= 16 or words[0] not in _ASKING:
        return ""
    said = {_stem(word) for word in words_of(sentence.lower())}
    content = [word for word in words if len(word) > 3 and word not in _ASKING | PRONOUNS]
    known = sum(_stem(word) in said for word in content)
    if words[:2] in (["what", "is"], ["what", "are"]) and not re.search(r"\b(?:is|are|means?)\b", sentence):
        return ""  # small models ask this of everything
    has_pronoun = bool(set(words[1:]) & PRONOUNS)
    return question if content and known == len(content) and not has_pronoun else ""


def _stem(word: str) -> str:
    """Return the beginning of a word, by which its forms are recognised: keep, keeps, keeping."""
    return re.sub(r"(?:ing|ed|es|s|e)$", "", word)[:5]


def _sentences(document: Document, found: Sequence[Proposal]) -> Iterator[Passage]:
    """Yield the first sentence of each uncovered passage, where it says something by itself."""
    for passage in uncovered(document, found):
        kept = opening(passage)
        first = next(sentences(kept), None) if kept is not None and not passage.mostly_code else None
        if first is None or not 5 <= word_count(first.text) <= 30 or points_elsewhere(first.text):
            continue
        if words_of(first.text.lower())[0] not in PRONOUNS:
            yield first
