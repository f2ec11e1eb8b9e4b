"""A causal language model in this process as a teacher."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from thinkrec.claims.marks import is_reasoning_marker
from thinkrec.claims.verdict import IN_WORDS, is_refusal, split_reasoning
from thinkrec.errors import RecipeError
from thinkrec.teacher.client import NOTHING, Answer, Message, OnAnswer, Question, Usage
from thinkrec.teacher.config import LocalTeacherConfig, Prices, get_local_model_name
from thinkrec.teacher.limits import BudgetTracker

if TYPE_CHECKING:
    from thinkrec.model.backbone import Backbone


class LocalModelTeacher:
    """Answers batches of questions with any model that our own backbone loader knows; loads it when first asked."""

    def __init__(self, config: LocalTeacherConfig, *, spent: Usage = NOTHING) -> None:
        """A teacher whose model is loaded when it is first asked. `spent`: usage of earlier starts."""
        self.config, self.name = config, format_local_teacher_name(config)
        self.budget_tracker = BudgetTracker(config.budget, Prices(), spent)
        self._backbone: Backbone | None = None

    def ask(self, questions: Sequence[Question], on_answer: OnAnswer) -> None:
        """See `Teacher.ask`. Questions of similar length are answered together; an answer waits for its batch."""
        if not questions:
            return
        self.budget_tracker.reset_reserved()
        backbone = self._get_backbone()
        texts = [render_chat_prompt(backbone.tokenizer, question.messages) for question in questions]
        ids = [self._encode_prompt(text, templated) for text, templated in texts]
        order = sorted(range(len(questions)), key=lambda index: len(ids[index]))
        max_positions = backbone.max_positions
        fitting = []
        for index in order:
            size = len(ids[index])
            if max_positions is not None and size + 1 > max_positions:
                why = (
                    f"the question has {size} tokens, and the model reads {max_positions}; show less history or fewer "
                    "keywords"
                )
                on_answer(questions[index], Answer("", "", NOTHING, 0.0, failure=why))
            else:
                fitting.append(index)
        while fitting:
            batch = self._select_batch(fitting, ids)
            fitting = fitting[len(batch) :]
            started = time.monotonic()
            generated = self._generate_answers([ids[index] for index in batch], max_positions)
            seconds = (time.monotonic() - started) / len(batch)
            for index, (text, count, is_truncated) in zip(batch, generated, strict=True):
                usage = Usage(len(ids[index]), count, 0.0)
                self.budget_tracker.spent += usage
                answer, reasoning = split_reasoning(text)
                failure = None if answer else "the answer was empty" + (" (it only reasoned)" if reasoning else "")
                refused = IN_WORDS if is_refusal(answer) else None
                if refused is not None:
                    failure, answer = f"the content was refused ({refused}): {' '.join(answer.split())[:200]}", ""
                on_answer(questions[index], Answer(answer, reasoning, usage, seconds, failure, is_truncated, refused))

    def _select_batch(self, waiting: Sequence[int], ids: Sequence[list[int]]) -> list[int]:
        """The next batch, as far as the budget holds. Raises TeacherStoppedError where it holds for nothing more."""
        batch, total = [], NOTHING
        for index in waiting[: self.config.batch_size]:
            total += self.budget_tracker.compute_max_usage(len(ids[index]), self.config.max_tokens)
            if not self.budget_tracker.can_reserve(total):
                break
            batch.append(index)
        if not batch:
            raise self.budget_tracker.make_exhausted_error()
        return batch

    def _encode_prompt(self, text: str, templated: bool) -> list[int]:
        # A chat template writes its special tokens itself; a plain transcript needs the one at the beginning.
        backbone = self._get_backbone()
        ids = backbone.tokenizer.encode(text, add_special_tokens=False)
        first = backbone.bos_id
        return ids if templated or first is None or ids[:1] == [first] else [first, *ids]

    def _generate_answers(self, prompts: Sequence[list[int]], max_positions: int | None) -> list[tuple[str, int, bool]]:
        """Answers to prompts: (text, number of tokens, whether it was truncated) each."""
        import torch

        backbone, config = self._get_backbone(), self.config
        width = max(len(ids) for ids in prompts)
        room = config.max_tokens if max_positions is None else min(config.max_tokens, max_positions - width)
        padded = [[backbone.pad_id] * (width - len(ids)) + list(ids) for ids in prompts]
        mask = [[0] * (width - len(ids)) + [1] * len(ids) for ids in prompts]
        device = backbone.model.device
        sampling: dict[str, Any] = {"do_sample": False, "temperature": None, "top_p": None, "top_k": None}
        if config.temperature > 0:
            sampling = {"do_sample": True, "temperature": config.temperature, "top_p": None, "top_k": 0}
        with torch.inference_mode(), torch.random.fork_rng(devices=[] if device.type == "cpu" else [device]):
            torch.manual_seed(config.seed)
            out = backbone.model.generate(  # type: ignore[operator]
                input_ids=torch.tensor(padded, device=device),
                attention_mask=torch.tensor(mask, device=device),
                max_new_tokens=room,
                pad_token_id=backbone.pad_id,
                eos_token_id=self._get_eos_ids(),
                **sampling,
            )
        return [self._decode_answer(ids) for ids in out[:, width:].tolist()]

    def _decode_answer(self, ids: list[int]) -> tuple[str, int, bool]:
        ends = set(self._get_eos_ids())
        stop = next((i for i, token in enumerate(ids) if token in ends), None)
        written = ids if stop is None else ids[:stop]
        tokenizer = self._get_backbone().tokenizer
        special = dict(zip(tokenizer.all_special_ids, tokenizer.all_special_tokens, strict=True))
        # Some tokenizers count the marks around reasoning as special; without them it would read as the answer.
        readable = [i for i in written if i not in special or is_reasoning_marker(special[i])]
        text = str(tokenizer.decode(readable, skip_special_tokens=False))
        return text, len(written) + (stop is not None), stop is None

    def _get_eos_ids(self) -> list[int]:
        """All tokens that end an answer: chat models often have one for a turn beside the one for a text."""
        backbone = self._get_backbone()
        own = getattr(backbone.model.generation_config, "eos_token_id", None)
        return sorted({backbone.eos_id, *(own if isinstance(own, list) else [own] if own is not None else [])})

    def _get_backbone(self) -> Backbone:
        if self._backbone is None:
            import torch

            from thinkrec.model.backbone import BackboneConfig, load_backbone

            backbone = load_backbone(BackboneConfig(source=self.config.model, dtype=self.config.dtype))
            device = self.config.device
            if device == "auto":
                device = "cuda" if torch.cuda.is_available() else "cpu"
            try:
                backbone.model.to(torch.device(device))  # type: ignore[arg-type]
            except (RuntimeError, AssertionError) as error:
                raise RecipeError(f"teacher.device {device!r} cannot be used here ({error}); try cpu") from error
            self._backbone = backbone
        return self._backbone


def render_chat_prompt(tokenizer: Any, messages: Sequence[Message]) -> tuple[str, bool]:
    """The text a model goes on from, and whether the tokenizer's chat template rendered it.

    Without a template: the turns as paragraphs, the last one left open, so that a plain model continues it.
    """
    if getattr(tokenizer, "chat_template", None):
        turns = [{"role": message.role, "content": message.text} for message in messages]
        return str(tokenizer.apply_chat_template(turns, add_generation_prompt=True, tokenize=False)), True
    text = "\n\n".join(message.text.rstrip() for message in messages)
    # A line that ends in a bar or a colon waits for its answer right there.
    return (text if text.endswith(("|", ":")) else text + "\n\n"), False


def format_local_teacher_name(config: LocalTeacherConfig) -> str:
    """The name that goes into hashes.

    A folder or file is known by its contents too: other weights under the same name are another teacher. A hub name
    stands for itself.
    """
    from thinkrec.model.backbone import BackboneConfig, compute_backbone_digest

    sampled = f" temperature={config.temperature} seed={config.seed}" if config.temperature else ""
    there = config.model == "nano" or Path(config.model).expanduser().exists()
    contents = f" contents={compute_backbone_digest(BackboneConfig(source=config.model))}" if there else ""
    return f"local:{get_local_model_name(config)}{contents} {config.dtype} max_tokens={config.max_tokens}{sampled}"
