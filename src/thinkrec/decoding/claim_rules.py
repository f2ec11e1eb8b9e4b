"""The rule of one reason: what it may cite, and that what it claims is so."""

from __future__ import annotations

import re
from collections.abc import Mapping

from thinkrec.claims.attributes import AttributeClaim, AttributeReader
from thinkrec.claims.ending import drop_incomplete_ending, find_predictions
from thinkrec.claims.polarity import mask_polar_keywords, split_sentences
from thinkrec.claims.unfinished import expects_rated_title, find_first_false_claim, infer_next_claim
from thinkrec.claims.verdict import parse_verdict
from thinkrec.data.titles import MARK
from thinkrec.decoding.backtracking import RejectionRule, Violation
from thinkrec.decoding.citations import AllowedTitle, CitationConstraint, TitleRequirement
from thinkrec.decoding.policy import Cite
from thinkrec.decoding.vocabulary import TokenVocabulary

REPEATED = 3
"""Words in a row that stand in a reason at most once; 95 % of the written ML-1M reasons keep to that by themselves."""
_WORD = re.compile(rf"\w+(?:['\u2019]\w+)*|{MARK.pattern}")
_STRAY = re.compile(r"(?<![sS])['\u2019](?!\w)")
"""A closing quote where none was opened: not an apostrophe, which stands before a letter or behind an s."""


def has_repeated_ngram(text: str, n: int) -> bool:
    """Whether the last n words of a text, in any case, stand together further up too.

    >>> has_repeated_ngram("a film of ideas, and A film of ideas", 4)
    True
    """
    words = [found[0] for found in _WORD.finditer(text.lower())]
    last = words[-n:]
    return len(words) > n and any(words[at : at + n] == last for at in range(len(words) - n))


_SCRAP = re.compile(r"[\n|<>{}\\]|\(\d{4}\)")
"""What stands in prompts and in no plain sentence."""
_JOINED = re.compile(r"(?:\b(?:and|or)|,)$")
_GOES_ON = re.compile(rf"{MARK.pattern} (?:and|or)$")
"""A list that another title has to end."""
_TWICE = re.compile(r"(?<![\w'])(\w+) \1$", re.IGNORECASE)
"""A word that stands twice in a row, at the end."""


def _find_word_boundaries(text: str) -> list[int]:
    """Where the text ends, and where the space stands before each of its last few words, latest first."""
    found = [m.start() for m in re.finditer(r" (?=[^ ]*(?: [^ ]*){0,4}$)", text)]
    return [*([] if text.endswith(" ") else [len(text)]), *reversed(found)]


class GroundingRules:
    """Cite only `titles`, each item at most `mentions` times, never repeat `REPEATED` words and, as `cite` asks, claim
    nothing wrong of a cited title or its keywords, and predict nothing against the verdict the text opens with.

    `constraint` keeps to it word by word while a text is written; `drop_untrue_sentences` drops at its end what slipped through.
    """

    def __init__(
        self, words: TokenVocabulary, titles: Mapping[str, AllowedTitle], cite: Cite, mentions: int = 2
    ) -> None:
        known = list(titles.values())
        self.agreeing = cite in ("agreeing", "exact")
        self.signs = [title.polarity for title in known]
        self.targets = [number for number, title in enumerate(known) if title.is_target]
        self.keywords = frozenset().union(*(title.keywords for title in known))
        self.attributes: AttributeReader | None = None
        long = [re.escape(title) for title in titles if " " in title]
        self.bare = re.compile(rf"(?<!\w)(?:{'|'.join(long) or '(?!)'})(?!\w)")
        if cite == "exact":
            target = next((title.keywords for title in known if title.is_target), None)
            self.attributes = AttributeReader({number: title.keywords for number, title in enumerate(known)}, target)
        self.cite = CitationConstraint(words, titles, self._infer_next_title if self.agreeing else None, mentions)
        self.constraint = RejectionRule(
            self.cite, self._find_violation, phrases=self._find_required_phrases if self.attributes else None
        )

    def drop_untrue_sentences(self, text: str) -> str:
        """A finished text with its last sentence whole and without sentences in which something read is untrue."""
        marks, cited = self.cite.mark_citations(text)
        kept = [part for part in split_sentences(drop_incomplete_ending(marks)) if part.strip()]
        while (at := self._find_untrue_sentence(kept)) is not None:
            first = len(MARK.findall("".join(kept[:at])))
            del cited[first : first + len(MARK.findall(kept[at]))]
            del kept[at]
        each = iter(cited)
        return MARK.sub(lambda _: next(each), "".join(kept)).strip()

    def _find_untrue_sentence(self, parts: list[str]) -> int | None:
        """Which sentence is the first with something untrue."""
        text, ends, total = "".join(parts), [], 0
        for part in parts:
            total += len(part)
            ends.append(total)
        places = []
        plain = mask_polar_keywords(text, self.keywords)
        if self.agreeing and (wrong := find_first_false_claim(plain, self.signs, self.targets)) is not None:
            places.append([mark.start() for mark in MARK.finditer(text)][wrong.citation])
        opinion = parse_verdict(text) if self.agreeing else None
        if opinion is not None:
            places += [p.start for p in find_predictions(plain, self.targets) if (p.sign > 0) != opinion]
        if self.attributes is not None:
            places += [
                said.start for said in self.attributes.read_attribute_claims(text, strict=True) if not said.is_correct
            ]
            # Without quotes a title escapes the rules for titles.
            places += [found.start() for pattern in (self.bare, _SCRAP) for found in pattern.finditer(text)]
        return min((n for place in places for n, end in enumerate(ends) if place < end), default=None)

    def _infer_next_title(self, text: str) -> TitleRequirement:
        asked = TitleRequirement(infer_next_claim(text, self.signs), allows_target=not expects_rated_title(text))
        return self._infer_compared_title(text, asked) or asked

    def _infer_compared_title(self, text: str, asked: TitleRequirement) -> TitleRequirement | None:
        """What is wanted of a title of which keywords are said that were said of another ("'A' shares K with")."""
        awaited = None if self.attributes is None else self.attributes.find_pending_attributes(text)
        if awaited is None:
            return None
        keywords, _, subject = awaited
        numbers = MARK.findall(text)
        if any(place is not None and int(numbers[place]) not in self.targets for place in subject):
            return asked._replace(
                keywords=keywords, prefers_uncited=True
            )  # nothing has a keyword in common with itself
        return asked._replace(
            polarity=asked.polarity or self._get_verdict_sign(text), allows_target=False, keywords=keywords
        )

    def _has_title_with_keywords(self, text: str, keywords: frozenset[str]) -> bool:
        """Whether a title on the verdict's side is left that has all these."""
        return self.cite.has_fitting_title(
            text, TitleRequirement(self._get_verdict_sign(text), allows_target=False, keywords=keywords)
        )

    def _get_verdict_sign(self, text: str) -> int | None:
        opinion = parse_verdict(text)
        return None if opinion is None else 1 if opinion else -1

    def _find_required_phrases(self, text: str) -> tuple[str, list[str]] | None:
        """The attributes of which one has to stand at the end of a marked text, and what is there of it."""
        for begin in _find_word_boundaries(text):
            before, begun = text[:begin], text[begin:].lower()
            fitting = self._list_allowed_attributes(before)
            if fitting is not None:
                phrases = [f" {word}" for word in fitting]
                return (begun, phrases) if any(phrase.startswith(begun) for phrase in phrases) else None
        return None

    def _list_allowed_attributes(self, text: str) -> list[str] | None:
        """Attributes that may stand next where one has to; None where none has to, or none fits."""
        found = None if self.attributes is None else self.attributes.find_expected_attribute(text)
        if found is None or self.attributes is None:
            return None
        subject, denied, listed = found
        numbers = MARK.findall(text)
        about = [None if place is None else int(numbers[place]) for place in subject]
        target = all(number is None or number in self.targets for number in about)
        has = [self.attributes.target if n is None else self.attributes.has.get(n) or frozenset() for n in about]
        if denied:
            free = self.attributes.known.difference(*has, listed)
            return sorted(free & self.attributes.target) or sorted(free) or None
        free = frozenset.intersection(*has) - listed
        if target:
            shared = [word for word in free if self._has_title_with_keywords(text, listed | {word})]
            return sorted(shared) or (sorted(free) if not listed else None) or None
        # What it shares with the target makes it an example.
        return sorted(free & self.attributes.target) or sorted(free) or None

    def _find_violation(self, text: str) -> Violation | None:
        """The first fault of a marked text that is being written."""
        if has_repeated_ngram(text, REPEATED) or _STRAY.search(text) or (self.agreeing and _TWICE.search(text)):
            return Violation()
        if not self.agreeing:
            return None
        if self.attributes is not None and (_SCRAP.search(text) or self.bare.search(text)):
            return Violation()
        plain, bare = mask_polar_keywords(text, self.keywords), len(text.rstrip(" ,.;:!?"))
        wrong = find_first_false_claim(plain, self.signs, self.targets)
        if wrong is not None:
            return Violation(wrong.start, wrong.citation, wrong.claim)
        if _GOES_ON.search(text) and not self.cite.has_fitting_title(text, self._infer_next_title(text)):
            return Violation()
        opinion = parse_verdict(text)
        for ahead in find_predictions(plain, self.targets):
            if ahead.cue_end == bare and opinion is not None and (ahead.sign > 0) != opinion:
                return Violation(ahead.cue_start)
        return self._find_attribute_violation(text, bare) if self.attributes is not None else None

    def _find_attribute_violation(self, text: str, bare: int) -> Violation | None:
        assert self.attributes is not None
        begun = self._find_required_phrases(text)
        if begun is not None and begun[0].strip() and begun[0] not in begun[1]:
            return None  # a keyword of several words that is not whole yet
        wrong = self.attributes.find_false_final_claim(text)
        if wrong is not None:
            return self._build_attribute_violation(wrong, text)
        wanted = self._infer_compared_title(text, TitleRequirement())
        if wanted is not None and not self.cite.has_fitting_title(text, wanted):
            awaited = self.attributes.find_pending_attributes(text)
            return Violation(None if awaited is None else awaited[1])
        if (
            _JOINED.search(text)
            and self.attributes.find_expected_attribute(text) is not None
            and self._list_allowed_attributes(text) is None
        ):
            return Violation()
        alone = [said for said in self.attributes.read_attribute_claims(text) if said.is_single_title]
        if alone and alone[-1].complete_at == bare and self._is_about_target(alone[-1], text):
            last = alone[-1]
            listed = [
                s.attribute for s in alone if s.sentence_start == last.sentence_start and s.citations == last.citations
            ]
            # What is said of the target is said to be shared next: with a title of the verdict's side.
            first = [frozenset(listed[:1])] if len(listed) > 1 else [frozenset({w}) for w in self.attributes.target]
            if not self._has_title_with_keywords(text, frozenset(listed)) and any(
                self._has_title_with_keywords(text, words) for words in first
            ):
                return Violation(last.start)
        return None

    def _build_attribute_violation(self, said: AttributeClaim, text: str) -> Violation:
        """What is to be done about an attribute that is not so, or said twice."""
        assert self.attributes is not None
        place = said.citations[-1]
        if said.is_correct or said.is_negated or place is None or self._is_about_target(said, text):
            return Violation(None if said.complete_at > said.end and said.is_negated else said.start)
        sign = self.signs[int(MARK.findall(text)[place])]
        # A title that does not have what is said of it: another one, or nothing of the kind.
        if said.is_known_keyword and sign:
            told = [
                one
                for one in self.attributes.read_attribute_claims(text)
                if one.sentence_start == said.sentence_start and not one.is_negated
            ]
            keywords = frozenset(one.attribute for one in told if place in one.citations)
            return Violation(said.start if said.complete_at > said.end else said.sentence_start, place, sign, keywords)
        return Violation(said.start)

    def _is_about_target(self, said: AttributeClaim, text: str) -> bool:
        numbers = MARK.findall(text)
        return all(place is None or int(numbers[place]) in self.targets for place in said.citations)
