"""Reasons: the same model goes on writing after its verdict."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from thinkrec.data.titles import MARK
from thinkrec.errors import DataError
from thinkrec.evaluate.grounding.attributes import Attributes, Said
from thinkrec.evaluate.grounding.unfinished import awaits_rated, claim_of_next, first_wrong
from thinkrec.model.batch import Prompt
from thinkrec.model.copying import Citable, CiteOnly, Wanted
from thinkrec.model.generate import Constraint
from thinkrec.model.pieces import Vocabulary, vocabulary
from thinkrec.model.recommender import Recommender
from thinkrec.model.review import Fault, Reviewed
from thinkrec.progress import Progress
from thinkrec.score.cite import Cite


def read(tokenizer: Any, ids: np.ndarray) -> str:
    """Generated ids as text."""
    # Cleaning up spaces, where a tokenizer does so, could move a quote away from its title.
    options = {"skip_special_tokens": True, "clean_up_tokenization_spaces": False}
    return str(tokenizer.decode(ids.tolist(), **options)).strip()


def write_reasons(
    recommender: Recommender,
    prompts: Sequence[Prompt],
    verdicts: np.ndarray | None,
    *,
    tokens: int,
    citable: Sequence[Mapping[str, Citable]] | None = None,
    cite: Cite = "any",
    mentions: int = 2,
    batch: int = 32,
    title: str = "writing reasons",
    progress: bool = False,
) -> list[str]:
    """One text per prompt, opening with the verdict that the score implies.

    `verdicts`: bool (n,), True for Yes; None leaves the verdict to the model, which shows how often it agrees with its
    own score. `citable`: per prompt, what `System.citable` gives, which `cite` other than "any" needs. A reason ends by
    itself or after `tokens` tokens, then perhaps within a title.
    Raises DataError where `citable` has another length than `prompts`.
    """
    if cite != "any" and (citable is None or len(citable) != len(prompts)):
        given = 0 if citable is None else len(citable)
        raise DataError(f"{given} lists of titles for {len(prompts)} prompts; give one each")
    bone, texts = recommender.backbone, []
    first = None if verdicts is None else np.where(verdicts, bone.yes_id, bone.no_id)
    words = None if cite == "any" else vocabulary(bone.tokenizer)
    with Progress(title, len(prompts), shown=progress) as bar:
        for start in range(0, len(prompts), batch):
            part = prompts[start : start + batch]
            forced = None if first is None else first[start : start + batch].tolist()
            rules = None
            if words is not None and citable is not None:
                rules = [careful(words, titles, cite, mentions) for titles in citable[start : start + batch]]
            written = recommender.generate(part, tokens, first_tokens=forced, constraints=rules)
            texts += [read(bone.tokenizer, ids) for ids in written]
            bar.advance(len(part))
    return texts


def careful(words: Vocabulary, titles: Mapping[str, Citable], cite: Cite, mentions: int = 2) -> Constraint:
    """The rule of one reason: cite only `titles`, each item at most `mentions` times, never repeat `REPEATED` words
    and, as `cite` asks, claim nothing wrong of a cited title or its keywords."""
    agreeing = cite in ("agreeing", "exact")
    signs = [known.sign for known in titles.values()]
    targets = [number for number, known in enumerate(titles.values()) if known.target]

    attributes = None
    if cite == "exact":
        has = {number: known.keywords for number, known in enumerate(titles.values())}
        attributes = Attributes(has, next((known.keywords for known in titles.values() if known.target), None))

    def claim(text: str) -> Wanted:
        return Wanted(claim_of_next(text, signs), target=not awaits_rated(text))

    def judge(text: str) -> Fault | None:
        if repeats(text, REPEATED) or _STRAY.search(text):
            return Fault()
        wrong = first_wrong(text, signs, targets) if agreeing else None
        if wrong is not None:
            return Fault(wrong.begins, wrong.citation, wrong.claim)
        said = None if attributes is None else attributes.wrong_end(text)
        return None if said is None else _untrue(said, text, signs, targets)

    return Reviewed(CiteOnly(words, titles, claim if agreeing else None, mentions), judge)


def _untrue(said: Said, text: str, signs: Sequence[int], targets: Sequence[int]) -> Fault:
    """What is to be done about an attribute that is not so, or said twice."""
    cited = None if said.citation is None else int(MARK.findall(text)[said.citation])
    if said.right or said.denied or cited is None or cited in targets:
        return Fault(said.begins)
    # An example that does not have what it is an example of: another one, or nothing of the kind.
    if said.known and signs[cited]:
        return Fault(said.sentence, said.citation, signs[cited], said.attribute)
    return Fault(said.begins)


REPEATED = 3
"""Words in a row that stand in a reason at most once; 95 % of the written ML-1M reasons keep to that by themselves."""
_WORD = re.compile(rf"\w+(?:['\u2019]\w+)*|{MARK.pattern}")
_STRAY = re.compile(r"(?<![sS])['\u2019](?!\w)")
"""A closing quote where none was opened: not an apostrophe, which stands before a letter or behind an s."""


def repeats(text: str, n: int) -> bool:
    """Whether the last n words of a text, in any case, stand together further up too.

    >>> repeats("a film of ideas, and A film of ideas", 4)
    True
    """
    words = [found[0] for found in _WORD.finditer(text.lower())]
    last = words[-n:]
    return len(words) > n and any(words[at : at + n] == last for at in range(len(words) - n))
