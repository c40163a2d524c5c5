"""Propose question rows from documents by rules, without a model; one prompt has one answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from engine.data.questions.answers import Proposal, Rule
from engine.data.questions.definition_rule import from_definitions
from engine.data.questions.document import Document, Passage
from engine.data.questions.faq_rule import from_faq
from engine.data.questions.heading_rule import ABOUT, from_headings
from engine.data.questions.phrases import Wording
from engine.data.questions.sentence_rule import from_sentences
from engine.data.questions.table_rule import from_tables
from engine.data.rows import prompt_group

_RULES: tuple[Callable[[Document, Wording], Iterator[Proposal]], ...] = (
    from_faq,
    from_headings,
    from_definitions,
    from_tables,
    from_sentences,
)
# A definition comes first and is elaborated afterwards; a heading or a row that comes twice is ambiguous.
_FIRST_COUNTS: frozenset[Rule] = frozenset(["sentence", "model"])


def propose(documents: Sequence[Document]) -> list[Proposal]:
    """Return the proposals of all documents, in the order of their source lines; each prompt occurs once.

    Of two rules with one prompt the more certain one is kept: FAQ, heading, definition, table, sentence. Where one rule
    gives a prompt two answers, both are dropped, except for sentences, of which the first one counts.
    """
    wordings = [_wording(document) for document in documents]
    found = [
        (number, proposal)
        for rule in _RULES
        for number, (document, wording) in enumerate(zip(documents, wordings, strict=True))
        for proposal in rule(document, wording)
    ]
    number_of = {id(proposal): number for number, proposal in found}
    kept = one_answer_each(proposal for _, proposal in found)
    kept = [proposal for proposal in kept if not _is_told_better(proposal, kept)]
    return sorted(kept, key=lambda proposal: (number_of[id(proposal)], _line(proposal)))


def one_answer_each(proposals: Iterable[Proposal]) -> list[Proposal]:
    """Return the proposals without those whose prompt has an answer already, or two answers by one rule."""
    kept: dict[str, Proposal | None] = {}
    rule_of: dict[str, Rule] = {}
    for proposal in proposals:
        key = prompt_group(proposal.prompt)
        if key not in kept:
            kept[key], rule_of[key] = proposal, proposal.rule
            continue
        first = kept[key]
        same = first is not None and first.response == proposal.response
        if not same and rule_of[key] == proposal.rule and proposal.rule not in _FIRST_COUNTS:
            kept[key] = None
    return [proposal for proposal in kept.values() if proposal is not None]


def uncovered(document: Document, proposals: Sequence[Proposal]) -> list[Passage]:
    """Return the passages of a document from whose lines no proposal took its answer."""
    lines = {_line(proposal) for proposal in proposals if proposal.source == document.source(_line(proposal))}
    return [
        passage
        for passage in document.passages
        if not any(line in lines for line in range(passage.line, passage.line_at(len(passage.text)) + 1))
    ]


def _is_told_better(proposal: Proposal, others: Sequence[Proposal]) -> bool:
    """Return whether "What about …?" has only what other questions ask more exactly: its answer, or parts of it."""
    if not proposal.prompt.startswith(ABOUT):
        return False
    parts = sum(
        other.response in proposal.response
        for other in others
        if other.rule != "heading" and other.source.rpartition(":")[0] == proposal.source.rpartition(":")[0]
    )
    return parts > 1 or any(other.response == proposal.response for other in others if other is not proposal)


def _wording(document: Document) -> Wording:
    return Wording(passage.text for passage in document.passages)


def _line(proposal: Proposal) -> int:
    return int(proposal.source.rpartition(":")[2])
