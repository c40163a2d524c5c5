"""The training loop both backends share: TRL's SFTTrainer, fed in curriculum order with ready token ids.

The backends differ in how the model is loaded and in whose loss is computed; what is fed, logged, checkpointed and
resumed is the same. The module that defines SFTTrainer is imported when training starts, because Unsloth replaces it at
import.
"""

from __future__ import annotations

import time
from contextlib import nullcontext
from typing import Any

import torch
from transformers import PreTrainedTokenizerBase

from engine.core.cancellation import Control
from engine.core.events import Emitter
from engine.training.batch_log import BatchLog
from engine.training.checkpoint import drop_unusable, step_of
from engine.training.device import Device
from engine.training.job import TrainJob, TrainResult
from engine.training.sft.block_diagonal_attention import Blocks
from engine.training.sft.collator import IGNORED, Collator, make_dataset
from engine.training.sft.engine_callback import EngineCallback
from engine.training.sft.lanes import Lanes, lane_count
from engine.training.sft.sampling_callback import SamplingCallback


def run_sft(
    model: Any,
    tokenizer: PreTrainedTokenizerBase,
    job: TrainJob,
    machine: Device,
    emit: Emitter,
    control: Control,
    *,
    joined: bool,
    own_loss: bool = True,
) -> TrainResult:
    """Train `model` in place on the job's examples, in their order, until the steps are spent or a stop is requested.

    `joined` feeds packed (padding-free) batches, for which the model's attention must be luna_blocks; otherwise they
    are padded. `own_loss` computes the plain loss here, else the trainer does: TRL's loss needs Triton, which CPU
    builds of torch lack, but Unsloth replaces it with its own. Raises LunaError when the loss or the gradient norm is
    not finite.
    """
    from trl import SFTTrainer  # pyright: ignore[reportPrivateImportUsage]  # imported now, after a backend could replace it

    checkpoints = job.work_dir / "checkpoints"
    resume_step = (step_of(job.resume_from) or 0) if job.resume_from else 0
    drop_unusable(checkpoints, job.resume_from)
    feed = BatchLog(job.work_dir, job.examples, resume_step)
    # Full fine-tuning keeps fp32 weights and computes in bf16 where that is fast; an adapter's frozen base is in bf16
    # already.
    autocast = machine.dtype is torch.bfloat16 and job.recipe.method == "full"

    voice = None
    if job.voice is not None:
        # Unsloth's own forward runs under autocast in training, as the padded loss does.
        low = autocast if joined else machine.dtype is torch.bfloat16
        voice = SamplingCallback(job.voice, model, machine, emit, control, joined=joined, autocast=low)

    # Only where a second copy of the gradients is small, and where several CPU threads would share an operation.
    apart = joined and job.recipe.method == "lora" and machine.device.type == "cpu"
    count = lane_count(machine.threads, job.recipe.batch_size) if apart else 1
    lanes = Lanes(count, machine.threads) if count > 1 else None

    class CurriculumTrainer(SFTTrainer):
        """SFTTrainer that logs what it consumes and, for packed batches, computes only the logits that count."""

        def compute_loss(
            self, model: Any, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None
        ) -> Any:
            rows = [int(i) for i in inputs.pop("row").tolist()]
            counted = int(inputs["labels"][..., 1:].ne(IGNORED).sum())
            outputs: Any = {}
            of_all = counted if num_items_in_batch is None else num_items_in_batch
            if own_loss and lanes is not None:
                loss = lanes.loss(inputs, lambda part: _joined_loss(model, part, machine, autocast) / of_all, model)
            elif own_loss:
                loss_of = _joined_loss if joined else _padded_loss
                loss = loss_of(model, inputs, machine, autocast) / of_all
            else:
                loss, outputs = super().compute_loss(model, inputs, True, num_items_in_batch)
            feed.consume(rows, loss.detach() * of_all, counted)
            return (loss, outputs) if return_outputs else loss

        def floating_point_ops(self, inputs: Any) -> int:
            return 0  # the sum is not used, and counting visits all parameters at every pass

        def create_model_card(self, *args: Any, **kwargs: Any) -> None:
            return  # a checkpoint is not a model to publish

    trainer = CurriculumTrainer(
        model=model,
        args=_arguments(job, machine, joined),
        train_dataset=make_dataset(job.examples),
        processing_class=tokenizer,
        data_collator=Collator(job.pad_id, joined),
        callbacks=[EngineCallback(job, feed, emit, control, resume_step, voice)],
    )
    for callback in list(trainer.callback_handler.callbacks):
        if type(callback).__name__ in ("PrinterCallback", "ProgressCallback"):
            trainer.remove_callback(callback)  # luna draws its own progress
    began = time.monotonic()
    try:
        if job.resume_from is not None and resume_step >= job.steps:
            trainer._load_from_checkpoint(
                str(job.resume_from)
            )  # training was complete, only the delta had not been written
        else:
            with lanes or nullcontext():
                trainer.train(resume_from_checkpoint=str(job.resume_from) if job.resume_from else None)
    finally:
        feed.close()
    steps_done = max(resume_step, int(trainer.state.global_step))
    seconds = time.monotonic() - began - (voice.seconds if voice is not None else 0.0)
    return TrainResult(steps_done >= job.steps, steps_done, feed.trained_tokens, seconds)


def _arguments(job: TrainJob, machine: Device, joined: bool) -> Any:
    """Return the recipe as arguments of TRL's SFTTrainer."""
    from trl import SFTConfig  # pyright: ignore[reportPrivateImportUsage]

    recipe = job.recipe
    arguments = SFTConfig(
        output_dir=str(job.work_dir / "checkpoints"),
        max_steps=job.steps,
        per_device_train_batch_size=recipe.batch_size,
        gradient_accumulation_steps=job.accumulation,
        learning_rate=recipe.lr,
        lr_scheduler_type={"cosine": "cosine", "linear": "linear", "constant": "constant_with_warmup"}[recipe.schedule],
        warmup_steps=round(recipe.warmup_ratio * job.steps),
        weight_decay=recipe.weight_decay,
        max_grad_norm=recipe.max_grad_norm,
        optim="adamw_torch_fused",
        train_sampling_strategy="sequential",
        seed=recipe.seed,
        data_seed=recipe.seed,
        use_cpu=machine.device.type == "cpu",
        bf16=not joined and machine.dtype is torch.bfloat16,
        fp16=False,
        gradient_checkpointing=False,
        packing=False,
        max_length=None,
        dataset_kwargs={"skip_prepare_dataset": True},
        remove_unused_columns=False,
        dataloader_num_workers=0,
        dataloader_pin_memory=machine.device.type == "cuda",
        logging_steps=1,
        logging_nan_inf_filter=False,
        save_strategy="steps",
        save_steps=recipe.checkpoint_every,
        save_total_limit=2,
        report_to="none",
        disable_tqdm=True,
    )
    if machine.device.type == "cuda":
        arguments._n_gpu = 1  # several GPUs would split every batch between them, and the curriculum's order with it
    return arguments


def _padded_loss(model: Any, inputs: dict[str, torch.Tensor], machine: Device, autocast: bool) -> torch.Tensor:
    """Return the summed cross-entropy of a padded batch in nats; the trainer itself runs such models under autocast."""
    labels = inputs["labels"][:, 1:]
    counted = labels.ne(IGNORED)
    output = model(input_ids=inputs["input_ids"], attention_mask=inputs["attention_mask"], use_cache=False)
    return torch.nn.functional.cross_entropy(output.logits[:, :-1][counted].float(), labels[counted], reduction="sum")


def _joined_loss(model: Any, inputs: dict[str, torch.Tensor], machine: Device, autocast: bool) -> torch.Tensor:
    """Return the summed cross-entropy of a packed batch in nats, computing logits only where a label counts."""
    labels = inputs["labels"][0]
    counted = labels.ne(IGNORED).nonzero()[:, 0]
    blocks = Blocks.of(inputs["lengths"].tolist()).to(machine.device)
    with torch.autocast(machine.device.type, torch.bfloat16, enabled=autocast):
        logits = model(
            input_ids=inputs["input_ids"],
            position_ids=inputs["position_ids"],
            logits_to_keep=counted - 1,
            use_cache=False,
            luna_blocks=blocks,
        ).logits[0]
    return torch.nn.functional.cross_entropy(logits.float(), labels[counted], reduction="sum")
