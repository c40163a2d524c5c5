"""A conversation as one sequence gives the logits, the loss and the gradients of its expanded rows, on real models."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from joined_batches import random_model

from engine.data.messages import Message
from engine.data.rows import Row, make_chat, make_row
from engine.training.job import IGNORED, Example
from engine.training.sft import block_diagonal_attention
from engine.training.sft.block_diagonal_attention import Blocks
from engine.training.sft.collator import Collator
from engine.training.tokenize_rows import Specials, encode_rows

BOS, EOS, BREAK = 1, 2, 3


def tokenize(texts: list[str] | Any) -> list[list[int]]:
    """Ids below the 97 of the random models, one a character."""
    return [[BREAK if mark == "\n" else 10 + ord(mark) % 80 for mark in text] for text in texts]


CHAT = make_chat(
    [
        Message("user", "where is the ferry moored"),
        Message("assistant", "north quay"),
        Message("user", "and the pilot boat"),
        Message("assistant", "no idea, sorry", learned=False),
        Message("user", "look again"),
        Message("assistant", "south quay"),
    ]
)


def expanded(chat: Row) -> list[Row]:
    return [make_row("\n".join((*one.history, one.prompt)), one.text) for one in chat.learned_answers()]


def features(examples: list[Example]) -> list[dict[str, Any]]:
    return [{"input_ids": list(e.ids), "labels": list(e.labels), "row": n} for n, e in enumerate(examples)]


def counted_logits(model: Any, examples: list[Example], joined: bool) -> tuple[torch.Tensor, torch.Tensor]:
    """The logits [counted, vocabulary] at every place that has a loss, and the summed loss in nats."""
    batch = Collator(0, joined=joined)(features(examples))
    if joined:
        logits = model(
            input_ids=batch["input_ids"],
            position_ids=batch["position_ids"],
            use_cache=False,
            luna_blocks=Blocks.of(batch["lengths"].tolist()),
        ).logits
    else:
        logits = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"], use_cache=False).logits
    labels = batch["labels"][:, 1:]
    counted = labels != IGNORED
    chosen = logits[:, :-1][counted]
    return chosen, torch.nn.functional.cross_entropy(chosen, labels[counted], reduction="sum")


@pytest.mark.parametrize("joined", [True, False], ids=["packed", "padded"])
@pytest.mark.parametrize("bos", [None, BOS])
@pytest.mark.parametrize("model_type", sorted(block_diagonal_attention.MODEL_TYPES))
def test_a_conversation_is_learned_as_its_expanded_rows_are(model_type: str, bos: int | None, joined: bool) -> None:
    attention = block_diagonal_attention.NAME if joined else "eager"
    specials = Specials(bos, EOS)
    ((whole,),) = encode_rows([CHAT], tokenize, specials, 512)
    parts = [one for (one,) in encode_rows(expanded(CHAT), tokenize, specials, 512)]
    found: list[tuple[torch.Tensor, torch.Tensor, list[torch.Tensor]]] = []
    for examples in ([whole], parts):
        model = random_model(model_type, attention)
        logits, loss = counted_logits(model, examples, joined)
        loss.backward()
        found.append((logits, loss, [p.grad for p in model.parameters() if p.grad is not None]))
    (logits, loss, gradients), (wanted_logits, wanted_loss, wanted_gradients) = found
    assert logits.shape == wanted_logits.shape == (whole.counted, 97)
    assert torch.allclose(logits, wanted_logits, atol=2e-5)
    assert torch.isclose(loss, wanted_loss, rtol=1e-5)
    assert len(gradients) == len(wanted_gradients) > 0
    assert all(torch.allclose(a, b, atol=2e-4) for a, b in zip(gradients, wanted_gradients, strict=True))


def test_the_sequence_has_half_the_tokens_of_the_rows() -> None:
    ((whole,),) = encode_rows([CHAT], tokenize, Specials(None, EOS), 512)
    parts = [one for (one,) in encode_rows(expanded(CHAT), tokenize, Specials(None, EOS), 512)]
    assert whole.counted == sum(part.counted for part in parts)
    assert len(whole.ids) == len(parts[-1].ids) < sum(len(part.ids) for part in parts)


def test_a_carried_history_conditions_the_answers_of_a_later_window() -> None:
    said = [Message("user" if at % 2 == 0 else "assistant", f"turn {at} of many") for at in range(24)]
    chat = make_chat(said)
    (sequences,) = encode_rows([chat], tokenize, Specials(BOS, EOS), 128)
    assert len(sequences) > 1
    model = random_model("llama", "eager")
    for sequence in sequences:
        window = sequence.window
        assert window is not None
        texts = [turn.text for turn in chat.turns[window.start : window.end]]
        rows = [
            make_row("\n".join(texts[:at]), texts[at])
            for at in range(len(texts))
            if (window.start + at) % 2 and window.start + at >= window.learned_from
        ]
        parts = [one for (one,) in encode_rows(rows, tokenize, Specials(BOS, EOS), 512)]
        _, loss = counted_logits(model, [sequence], joined=False)
        _, wanted = counted_logits(model, parts, joined=False)
        assert torch.isclose(loss, wanted, rtol=1e-5)
