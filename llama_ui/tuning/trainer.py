"""trl's trainers, given rows that are tokens already."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from datasets.utils.logging import disable_progress_bar
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import PrinterCallback, ProgressCallback, TrainerCallback
from trl import DPOConfig, DPOTrainer, SFTConfig, SFTTrainer

from llama_ui.tuning.base import on_gpu
from llama_ui.tuning.dataset import Pair, Row, TrainingData
from llama_ui.tuning.recipe import BETA, LOSSES, TARGETS, Recipe

_MEASUREMENTS = 10  # of what is held out, each with a checkpoint, while it trains
_LONGEST_UNSAVED = 200  # steps


def add_adapter(model: Any, recipe: Recipe) -> PeftModel:
    """Put a new LoRA on the model, which changes nothing yet."""
    config = LoraConfig(
        r=recipe.rank,
        lora_alpha=recipe.alpha,
        target_modules=list(TARGETS),
        task_type="CAUSAL_LM",
    )
    torch.manual_seed(0)
    adapted = get_peft_model(model, config)
    assert isinstance(adapted, PeftModel)
    return adapted


def make_trainer(
    model: PeftModel,
    tokenizer: Any,
    data: TrainingData,
    recipe: Recipe,
    checkpoints: Path,
    teller: TrainerCallback,
) -> Any:
    """trl's trainer for these rows.

    Args:
        checkpoints: where they go.
        teller: hears how far it is.
    """
    disable_progress_bar()
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    steps = recipe.steps(len(data.train))
    every = min(-(-steps // _MEASUREMENTS), _LONGEST_UNSAVED)
    common: dict[str, Any] = {
        "output_dir": str(checkpoints),
        "report_to": [],
        "seed": 0,
        "num_train_epochs": recipe.epochs,
        "learning_rate": recipe.learning_rate,
        "lr_scheduler_type": "cosine",
        "warmup_steps": -(-steps // 20),
        "per_device_train_batch_size": recipe.batch,
        "per_device_eval_batch_size": recipe.batch,
        "gradient_accumulation_steps": recipe.accumulate,
        "gradient_checkpointing": recipe.recomputes,
        "bf16": on_gpu() and torch.cuda.is_bf16_supported(),
        "use_cpu": not on_gpu(),
        "max_length": None,
        "logging_steps": 1,
        "eval_strategy": "steps",
        "save_strategy": "steps",
        "eval_steps": every,
        "save_steps": every,
        "save_total_limit": 2,
        "metric_for_best_model": "eval_loss",
        "greater_is_better": False,
        "disable_tqdm": True,
        "dataloader_pin_memory": on_gpu(),
    }
    train, held_out = _columns(data.train), _columns(data.held_out)
    trainer: Any
    if data.method == "sft":
        trainer = SFTTrainer(
            model,
            SFTConfig(**common, dataset_kwargs={"skip_prepare_dataset": True}),
            train_dataset=train,
            eval_dataset=held_out,
            processing_class=tokenizer,
        )
    else:
        # DPOTrainer tokenises texts when it is made; our rows are tokens already, and take
        # the place of this one before it trains.
        text = Dataset.from_list([{"prompt": "a", "chosen": "b", "rejected": "c"}])
        trainer = DPOTrainer(
            model,
            args=DPOConfig(**common, beta=BETA, loss_type=list(LOSSES)),
            train_dataset=text,
            eval_dataset=text,
            processing_class=tokenizer,
        )
        trainer.train_dataset, trainer.eval_dataset = train, held_out
    trainer.remove_callback(PrinterCallback)
    trainer.remove_callback(ProgressCallback)
    trainer.add_callback(teller)
    return trainer


def _columns(rows: Sequence[Row]) -> Dataset:
    """The rows as trl's collators take them."""
    if isinstance(rows[0], Pair):
        names = {"prompt_ids": "prompt", "chosen_ids": "chosen", "rejected_ids": "rejected"}
    else:
        names = {"input_ids": "ids", "labels": "labels"}
    return Dataset.from_dict(
        {column: [list(getattr(row, name)) for row in rows] for column, name in names.items()}
    )
