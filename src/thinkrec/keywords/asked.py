"""Keywords by asking a language model through a teacher."""

from __future__ import annotations

import ast
import json
import re
import warnings
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from thinkrec.data.columns import DataWarning
from thinkrec.io.hashing import hash_content
from thinkrec.keywords.config import TeacherExtractorConfig
from thinkrec.keywords.extractor import Done

if TYPE_CHECKING:
    from thinkrec.teacher.client import Answer, Question, Teacher

SHOWN = 3
"""Reasons that a warning names."""
_BULLET = re.compile(r"^\s*(?:[-*•–]+|\d+[.)])\s*")
_LABEL = re.compile(
    r"^[^|,;\n]{0,60}\bkeywords?\b[^|,;\n:]{0,40}:|^\s*(?:关键词|关键字|關鍵詞|關鍵字|キーワード|키워드|ключевые слова|"
    r"schlüsselwörter|schlagwörter|stichwörter|mots[ -]clés|palabras clave|parole chiave|palavras-chave)\s*[:：]",
    re.IGNORECASE,
)
_MARKS = ("|", "｜", ";", "；", "؛", "、", "，", "،", ",")
"""What stands between keywords, the surest first."""
_ENDS = (".", "?", "!", "。", "？", "！")
_LONGEST = 6
"""Words; a longer piece of an answer is prose and no keyword."""


class TeacherExtractor:
    """`KeywordExtractor` that asks a teacher one question per text."""

    def __init__(self, teacher: Teacher, config: TeacherExtractorConfig | None = None) -> None:
        """An extractor that asks `teacher`."""
        self.config = config or TeacherExtractorConfig()
        self.language, self.name = self.config.language, teacher.name
        self._teacher = teacher

    def get_settings(self) -> dict[str, Any]:
        """Config, the teacher's name and the words of the question."""
        # Under the names that the keys had when the first caches were written: their answers were paid for.
        return {
            "kind": self.config.kind,
            "language": self.language,
            "item": self.config.item_noun,
            "most": self.config.max_keywords,
            "text_limit": self.config.max_text_chars,
            "name": self.name,
            "words": build_instruction(self.config),
        }

    def extract(self, texts: Sequence[str], on_phrases: Done) -> None:
        """Ask one question per distinct text; see `KeywordExtractor.extract`.

        A failed or unreadable answer counts as none; one that a filter of content refused is kept as an answer without
        phrases, since asking again would be in vain. One DataWarning counts them; what the teacher raises passes
        through.
        """
        questions = [self.build_question(text) for text in texts]
        positions: dict[str, list[int]] = {}
        for position, question in enumerate(questions):
            positions.setdefault(question.key, []).append(position)

        lacking: Counter[str] = Counter()

        def read(question: Question, answer: Answer) -> None:
            phrases = () if answer.failure is not None else parse_phrases(answer.text)
            if answer.is_truncated:
                phrases = phrases[:-1]  # the last one may have been torn off
            if not phrases:
                unread = "the answer was no list of keywords" if answer.failure is None else answer.failure
                why = f"refused for good ({answer.refusal})" if answer.refusal is not None else unread
                lacking[why] += len(positions[question.key])
            for position in positions[question.key] if phrases or answer.refusal is not None else ():
                on_phrases(position, phrases)

        try:
            self._teacher.ask([questions[indices[0]] for indices in positions.values()], read)
        finally:
            if lacking:
                causes = "; ".join(f"{count}: {why}" for why, count in lacking.most_common(SHOWN))
                others = f"; {len(lacking) - SHOWN} further reasons" if len(lacking) > SHOWN else ""
                text = f"{self.name}: {sum(lacking.values())} of {len(texts)} texts got no keywords ({causes}{others})."
                warnings.warn(text, DataWarning, stacklevel=2)

    def build_question(self, text: str) -> Question:
        """The question about one text."""
        from thinkrec.teacher.client import Message, Question

        excerpt = text[: self.config.max_text_chars].rstrip()
        messages = (Message(role="system", text=build_instruction(self.config)), Message(role="user", text=excerpt))
        return Question(key=hash_content(self.get_settings(), excerpt), messages=messages)


def build_instruction(config: TeacherExtractorConfig) -> str:
    """The system message of a question."""
    return (
        f"You index a catalogue. The user sends what is known about one {config.item_noun}. Answer with at most "
        f"{config.max_keywords} keywords in the language with the code '{config.language}', on one line, with | "
        "between them and nothing else. The most telling come first. A keyword has one to four words and names a kind, "
        "theme, setting, tone, style or audience that people who like one thing for it may look for in another. "
        "Say only what the text supports."
    )


def parse_phrases(answer: str) -> tuple[str, ...]:
    r"""Phrases of an answer; () if it is prose.

    An answer is a list (JSON's or Python's, also inside an object), lines, or one line cut at bars, else semicolons,
    else commas.

    >>> parse_phrases("Keywords: heist | dry humour | small town")
    ('heist', 'dry humour', 'small town')
    >>> parse_phrases("1. heist\n2. dry humour")
    ('heist', 'dry humour')
    >>> parse_phrases('{"keywords": ["heist"]}'), parse_phrases("['heist', 'dry humour']")
    (('heist',), ('heist', 'dry humour'))
    >>> parse_phrases("关键词：海洋、悬疑、小镇")
    ('海洋', '悬疑', '小镇')
    >>> parse_phrases("I am sorry, but the text does not say what this is about.")
    ()
    """
    text = answer.strip().strip("`").strip()
    text = text.removeprefix("json").strip()
    if text.startswith(("[", "{")):
        listed = _parse_literal(text)
        if isinstance(listed, dict):
            listed = next((value for value in listed.values() if isinstance(value, list)), None)
        if isinstance(listed, list):
            return tuple(entry for entry in listed if isinstance(entry, str) and len(entry.split()) <= _LONGEST)
        if text.startswith("{"):
            return ()
    text = _LABEL.sub("", text).strip()
    lines = [line for line in text.splitlines() if line.strip()]
    if len(lines) == 1 or any(mark in line for line in lines for mark in _MARKS[:2]):
        mark = next((mark for mark in _MARKS if mark in text), "\n")
        lines = [part for line in lines for part in line.split(mark)]
    pieces = [_BULLET.sub("", line).strip() for line in lines]
    pieces = [piece for piece in pieces if piece]
    if not pieces or any(len(piece.split()) > _LONGEST for piece in pieces[:1]):
        return ()
    short = [piece for piece in pieces if len(piece.split()) <= _LONGEST]
    # One or two commas in a sentence leave long pieces; a list of keywords has none.
    return tuple(short) if len(short) * 2 > len(pieces) and not text.endswith(_ENDS) else ()


def _parse_literal(text: str) -> Any:
    """The value of JSON, or of the Python that models print for it; None for neither."""
    for read in (json.loads, ast.literal_eval):
        try:
            return read(text)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
    return None
