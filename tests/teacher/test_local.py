"""A local model as a teacher: templates, padding, limits."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from contracts.teacher import asked
from support.tiny_folder import write_backbone
from transformers import AutoTokenizer

from thinkrec.claims.verdict import split_reasoning
from thinkrec.errors import CheckpointError
from thinkrec.simulate.simulator import SimulatorConfig, simulate_catalogue
from thinkrec.teacher.client import Answer, Message, Question, make_question
from thinkrec.teacher.config import LocalTeacherConfig
from thinkrec.teacher.local import LocalModelTeacher, format_local_teacher_name, render_chat_prompt

DS = simulate_catalogue(SimulatorConfig(users=6, items=30, interactions_per_user=(5, 6)), 3).dataset
TEMPLATE = (
    "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}{% if add_generation_prompt %}<go>{% endif %}"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_backbone(tmp_path_factory.mktemp("local") / "lm", DS)


def ask(teacher: LocalModelTeacher, questions: list[Question]) -> dict[str, Answer]:
    found: dict[str, Answer] = {}
    teacher.ask(questions, lambda question, answer: found.__setitem__(question.key, answer))
    return found


def titles(n: int) -> list[Question]:
    words = [" ".join(DS.items.titles[: 1 + i]) for i in range(n)]
    return [make_question(i, (Message("user", text + " |"),), "t", "drop") for i, text in enumerate(words)]


def test_an_answer_does_not_hang_on_its_batch(folder: Path) -> None:
    questions = titles(5)
    alone = ask(
        LocalModelTeacher(LocalTeacherConfig(model=str(folder), batch_size=1, max_tokens=8, device="cpu")), questions
    )
    together = ask(
        LocalModelTeacher(LocalTeacherConfig(model=str(folder), batch_size=5, max_tokens=8, device="cpu")), questions
    )
    assert {key: a.text for key, a in alone.items()} == {key: a.text for key, a in together.items()}
    assert len({a.text for a in alone.values()}) > 1
    assert all(a.usage.completion_tokens <= 8 and a.usage.prompt_tokens > 2 for a in alone.values())
    assert any(a.is_truncated and a.usage.completion_tokens == 8 for a in alone.values())


def test_sampling_varies_with_the_seed_alone(folder: Path) -> None:
    def texts(seed: int) -> list[str]:
        config = LocalTeacherConfig(model=str(folder), max_tokens=8, temperature=1.5, seed=seed, device="cpu")
        return [a.text for a in ask(LocalModelTeacher(config), titles(4)).values()]

    assert texts(1) == texts(1) != texts(2)


def test_a_question_too_long_for_the_model_fails_alone(folder: Path) -> None:
    long = make_question("long", (Message("user", " ".join(DS.items.titles * 60)),), "t", "drop")
    found = ask(
        LocalModelTeacher(LocalTeacherConfig(model=str(folder), max_tokens=4, device="cpu")), [long, *titles(2)]
    )
    failure = found[long.key].failure
    assert failure is not None and "1024" in failure
    assert sum(answer.failure is None for answer in found.values()) == 2


def test_words_come_from_the_chat_template_or_as_a_plain_transcript(folder: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(folder)
    messages = (Message("system", "Judge."), Message("user", "Oak |"))
    assert render_chat_prompt(tokenizer, messages) == ("Judge.\n\nOak |", False)
    assert render_chat_prompt(tokenizer, (Message("user", "Name keywords."),)) == ("Name keywords.\n\n", False)
    tokenizer.chat_template = TEMPLATE
    assert render_chat_prompt(tokenizer, messages) == ("<system>Judge.<user>Oak |<go>", True)


def test_a_model_that_is_not_there() -> None:
    with pytest.raises(CheckpointError, match="nowhere"):
        ask(LocalModelTeacher(LocalTeacherConfig(model="./nowhere")), asked(1))


def test_the_name_holds_what_changes_answers(folder: Path) -> None:
    base = LocalTeacherConfig(model=str(folder))
    assert LocalModelTeacher(base).name == LocalModelTeacher(base.model_copy(update={"batch_size": 3})).name
    assert LocalModelTeacher(base).name != LocalModelTeacher(base.model_copy(update={"temperature": 0.7})).name
    assert str(folder) not in LocalModelTeacher(base).name


def test_other_weights_under_the_same_name_are_another_teacher(folder: Path, tmp_path: Path) -> None:
    moved, changed = tmp_path / "a" / folder.name, tmp_path / "b" / folder.name
    for place in (moved, changed):
        shutil.copytree(folder, place)
    weights = changed / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(bytes(content))
    names = [format_local_teacher_name(LocalTeacherConfig(model=str(place))) for place in (folder, moved, changed)]
    assert names[0] == names[1] != names[2]


def test_marks_that_a_tokenizer_counts_as_special_stay_readable(folder: Path) -> None:
    teacher = LocalModelTeacher(LocalTeacherConfig(model=str(folder), device="cpu"))
    bone = teacher._get_backbone()
    bone.tokenizer.add_special_tokens({"additional_special_tokens": ["[THINK]", "[/THINK]", "<|noise|>"]})
    opens, closes, noise = bone.tokenizer.convert_tokens_to_ids(["[THINK]", "[/THINK]", "<|noise|>"])
    yes, no = bone.tokenizer.encode(" Yes No", add_special_tokens=False)
    text, _, cut = teacher._decode_answer([opens, no, closes, noise, yes, bone.eos_id, no])
    assert (*split_reasoning(text), cut) == ("Yes", "No", False)
