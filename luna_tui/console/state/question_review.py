"""The review of proposed questions: which are accepted, dropped or edited; plain values that the page draws."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from engine.data.questions.answers import Proposal

Decision = Literal["open", "accepted", "dropped"]


@dataclass(frozen=True, slots=True)
class ReviewedQuestion:
    """A proposal with the person's decision; `edited` if its words are no longer the document's."""

    proposal: Proposal
    decision: Decision = "open"
    edited: bool = False


@dataclass(frozen=True, slots=True)
class QuestionReview:
    """All questions of a review in order, and whether the decisions have changed since they were written."""

    questions: tuple[ReviewedQuestion, ...]
    unwritten: bool = False

    @classmethod
    def of(cls, proposals: Sequence[Proposal]) -> QuestionReview:
        """Return a review in which nothing is decided yet."""
        return cls(tuple(ReviewedQuestion(proposal) for proposal in proposals))

    @property
    def accepted(self) -> list[Proposal]:
        """The accepted proposals, in order."""
        return [question.proposal for question in self.questions if question.decision == "accepted"]

    def count(self, decision: Decision) -> int:
        """Return how many questions have this decision."""
        return sum(question.decision == decision for question in self.questions)

    def decide(self, at: int, decision: Decision) -> QuestionReview:
        """Return the review with one question decided."""
        return self._with(at, replace(self.questions[at], decision=decision))

    def toggle(self, at: int) -> QuestionReview:
        """Return the review with an accepted question dropped, and any other accepted."""
        return self.decide(at, "dropped" if self.questions[at].decision == "accepted" else "accepted")

    def edit(self, at: int, prompt: str, response: str) -> QuestionReview:
        """Return the review with one question's words replaced, and accepted."""
        before = self.questions[at]
        changed = replace(before.proposal, prompt=prompt, response=response)
        edited = before.edited or changed != before.proposal
        return self._with(at, ReviewedQuestion(changed, "accepted", edited))

    def accept_open(self) -> QuestionReview:
        """Return the review with every question accepted that is not dropped."""
        questions = tuple(
            question if question.decision == "dropped" else replace(question, decision="accepted")
            for question in self.questions
        )
        return QuestionReview(questions, unwritten=True)

    def written(self) -> QuestionReview:
        """Return the review as it is right after its accepted rows were written."""
        return replace(self, unwritten=False)

    def _with(self, at: int, question: ReviewedQuestion) -> QuestionReview:
        return QuestionReview((*self.questions[:at], question, *self.questions[at + 1 :]), unwritten=True)
