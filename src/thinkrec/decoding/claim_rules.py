"""The rules of one reason: which titles it may cite, and that its claims about them hold."""

from __future__ import annotations

import re
from collections.abc import Mapping

from thinkrec.claims.attributes import AttributeClaim, AttributeReader
from thinkrec.claims.ending import drop_incomplete_ending, find_predictions
from thinkrec.claims.polarity import mask_polar_keywords, split_sentences
from thinkrec.claims.unfinished import find_first_false_claim, infer_next_claim, is_rated_title_expected
from thinkrec.claims.verdict import parse_verdict
from thinkrec.data.titles import MARK
from thinkrec.decoding.backtracking import RejectionRule, Violation
from thinkrec.decoding.citations import AllowedTitle, CitationConstraint, TitleRequirement
from thinkrec.decoding.policy import (
    KEYWORD_POLICIES,
    POLARITY_POLICIES,
    PROSE_KEYWORD_POLICIES,
    RENAMED_POLICIES,
    Cite,
)
from thinkrec.decoding.prose_keywords import ProseKeywordRule
from thinkrec.decoding.repetition import NameMasker, has_repeated_ngram
from thinkrec.decoding.vocabulary import TokenVocabulary

REPEATED = 3
"""Words in a row that stand in a reason at most once; 95 % of the written ML-1M reasons keep to that by themselves."""
_STRAY = re.compile(r"(?<![sS])['\u2019](?!\w)")
"""A closing quote where none was opened: not an apostrophe, which stands before a letter or behind an s."""


_SCRAP = re.compile(r"[\n|<>{}\\]|\(\d{4}\)")
"""What stands in prompts and in no plain sentence."""
_JOINED = re.compile(r"(?:\b(?:and|or)|,)$")
_GOES_ON = re.compile(rf"{MARK.pattern} (?:and|or)$")
"""A list that another title has to end."""
_TWICE = re.compile(r"(?<![\w'])(\w+) \1$", re.IGNORECASE)
"""A word that stands twice in a row, at the end."""


def _find_word_boundaries(text: str) -> list[int]:
    """Positions of the text's end and of the space before each of its last few words, latest first."""
    spaces = [m.start() for m in re.finditer(r" (?=[^ ]*(?: [^ ]*){0,4}$)", text)]
    return [*([] if text.endswith(" ") else [len(text)]), *reversed(spaces)]


class GroundingRules:
    """Rules of a reason: allowed titles, no repeated words, and only claims and predictions that hold.

    `constraint` enforces them word by word while a text is written; `drop_untrue_sentences` removes at its end what
    slipped through.
    """

    def __init__(
        self,
        vocabulary: TokenVocabulary,
        titles: Mapping[str, AllowedTitle],
        citation_policy: Cite,
        max_citations: int = 2,
        no_repeat_ngram: int | None = None,
    ) -> None:
        """Rules for one row.

        Each item is cited at most `max_citations` times and `no_repeat_ngram` words, `REPEATED` where it is None, never
        stand twice; 0 lets them. As `citation_policy`
        asks, nothing false is claimed of a cited title or its keywords, and nothing is predicted against the verdict
        that the text opens with.
        """
        known = list(titles.values())
        if citation_policy in RENAMED_POLICIES:
            raise ValueError(f"citation policy `{citation_policy}` is now called `{RENAMED_POLICIES[citation_policy]}`")
        self.checks_polarity = citation_policy in POLARITY_POLICIES
        self.no_repeat_ngram = REPEATED if no_repeat_ngram is None else no_repeat_ngram
        # By default names count word by word, as they did when this could not be set.
        self._names = NameMasker(
            title for title, one in titles.items() if one.is_target and no_repeat_ngram is not None
        )
        self.signs = [title.polarity for title in known]
        self.targets = [number for number, title in enumerate(known) if title.is_target]
        self.keywords = frozenset().union(*(title.keywords for title in known))
        self.attributes: AttributeReader | None = None
        self.prose_keywords: ProseKeywordRule | None = None
        spaced = [re.escape(title) for title in titles if " " in title]
        self.unquoted_title = re.compile(rf"(?<!\w)(?:{'|'.join(spaced) or '(?!)'})(?!\w)")
        target = next((title.keywords for title in known if title.is_target), None)
        title_keywords = {number: title.keywords for number, title in enumerate(known)}
        if citation_policy in KEYWORD_POLICIES:
            self.attributes = AttributeReader(title_keywords, target)
        elif citation_policy in PROSE_KEYWORD_POLICIES:
            self.prose_keywords = ProseKeywordRule(title_keywords, target, self.signs, self.targets)
        self.citations = CitationConstraint(
            vocabulary, titles, self._infer_next_title if self.checks_polarity else None, max_citations
        )
        self.constraint = RejectionRule(
            self.citations,
            self._find_violation,
            required_phrases=self._find_required_phrases if self.attributes else None,
        )

    def drop_untrue_sentences(self, text: str) -> str:
        """A finished text with its last sentence whole and without sentences in which something read is untrue."""
        marks, cited = self.citations.mark_citations(text)
        sentences = [sentence for sentence in split_sentences(drop_incomplete_ending(marks)) if sentence.strip()]
        while (index := self._find_untrue_sentence(sentences)) is not None:
            first = len(MARK.findall("".join(sentences[:index])))
            del cited[first : first + len(MARK.findall(sentences[index]))]
            del sentences[index]
        citations = iter(cited)
        return MARK.sub(lambda _: next(citations), "".join(sentences)).strip()

    def _find_untrue_sentence(self, sentences: list[str]) -> int | None:
        """Index of the first sentence with something untrue; None where there is none."""
        text, ends, total = "".join(sentences), [], 0
        for sentence in sentences:
            total += len(sentence)
            ends.append(total)
        starts = []
        plain = mask_polar_keywords(text, self.keywords)
        if self.checks_polarity and (wrong := find_first_false_claim(plain, self.signs, self.targets)) is not None:
            starts.append([mark.start() for mark in MARK.finditer(text)][wrong.citation])
        opinion = parse_verdict(text) if self.checks_polarity else None
        if opinion is not None:
            starts += [p.start for p in find_predictions(plain, self.targets) if (p.sign > 0) != opinion]
        if self.attributes is not None:
            starts += [
                claim.start
                for claim in self.attributes.read_attribute_claims(text, strict=True)
                if not claim.is_correct
            ]
            # Without quotes a title escapes the rules for titles.
            starts += [match.start() for pattern in (self.unquoted_title, _SCRAP) for match in pattern.finditer(text)]
        if self.prose_keywords is not None:
            starts += [one.start for one in self.prose_keywords.read_false_keywords(text)]
        return min((n for start in starts for n, end in enumerate(ends) if start < end), default=None)

    def _infer_next_title(self, text: str) -> TitleRequirement:
        requirement = TitleRequirement(
            infer_next_claim(text, self.signs), allows_target=not is_rated_title_expected(text)
        )
        if self.prose_keywords is not None:
            return requirement._replace(keywords=self.prose_keywords.find_pending_keywords(text))
        return self._infer_compared_title(text, requirement) or requirement

    def _infer_compared_title(self, text: str, requirement: TitleRequirement) -> TitleRequirement | None:
        """Requirement on a title of which keywords are said that were said of another ("'A' shares K with")."""
        pending = None if self.attributes is None else self.attributes.find_pending_attributes(text)
        if pending is None:
            return None
        keywords, _, subject = pending
        numbers = MARK.findall(text)
        if any(index is not None and int(numbers[index]) not in self.targets for index in subject):
            return requirement._replace(
                keywords=keywords, prefers_uncited=True
            )  # nothing has a keyword in common with itself
        return requirement._replace(
            polarity=requirement.polarity or self._get_verdict_sign(text), allows_target=False, keywords=keywords
        )

    def _has_title_with_keywords(self, text: str, keywords: frozenset[str]) -> bool:
        """Whether a title of the verdict's polarity is left that has all these keywords."""
        return self.citations.has_fitting_title(
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
        expected = None if self.attributes is None else self.attributes.find_expected_attribute(text)
        if expected is None or self.attributes is None:
            return None
        subject, denied, listed = expected
        numbers = MARK.findall(text)
        about = [None if index is None else int(numbers[index]) for index in subject]
        target = all(number is None or number in self.targets for number in about)
        has = [
            self.attributes.target if n is None else self.attributes.title_keywords.get(n) or frozenset() for n in about
        ]
        if denied:
            free = self.attributes.known.difference(*has, listed)
            return sorted(free & self.attributes.target) or sorted(free) or None
        if not has:
            return None  # the sentence names nobody of whom an attribute could be said
        free = frozenset.intersection(*has) - listed
        if target:
            shared = [word for word in free if self._has_title_with_keywords(text, listed | {word})]
            return sorted(shared) or (sorted(free) if not listed else None) or None
        # What it shares with the target makes it an example.
        return sorted(free & self.attributes.target) or sorted(free) or None

    def _repeats_words(self, text: str) -> bool:
        n = self.no_repeat_ngram
        return n > 0 and has_repeated_ngram(self._names.mask_names(text), n)

    def _find_violation(self, text: str) -> Violation | None:
        """The first violation in a marked text that is being written."""
        if self._repeats_words(text) or _STRAY.search(text) or (self.checks_polarity and _TWICE.search(text)):
            return Violation()
        if not self.checks_polarity:
            return None
        if self.attributes is not None and (_SCRAP.search(text) or self.unquoted_title.search(text)):
            return Violation()
        plain, bare = mask_polar_keywords(text, self.keywords), len(text.rstrip(" ,.;:!?"))
        wrong = find_first_false_claim(plain, self.signs, self.targets)
        if wrong is not None:
            return Violation(wrong.start, wrong.citation, wrong.claim)
        if _GOES_ON.search(text) and not self.citations.has_fitting_title(text, self._infer_next_title(text)):
            return Violation()
        opinion = parse_verdict(text)
        for prediction in find_predictions(plain, self.targets):
            if prediction.cue_end == bare and opinion is not None and (prediction.sign > 0) != opinion:
                return Violation(prediction.cue_start)
        if self.prose_keywords is not None:
            return self.prose_keywords.find_violation(text)
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
        if wanted is not None and not self.citations.has_fitting_title(text, wanted):
            pending = self.attributes.find_pending_attributes(text)
            return Violation(None if pending is None else pending[1])
        if (
            _JOINED.search(text)
            and self.attributes.find_expected_attribute(text) is not None
            and self._list_allowed_attributes(text) is None
        ):
            return Violation()
        single = [claim for claim in self.attributes.read_attribute_claims(text) if claim.is_single_title]
        if single and single[-1].complete_at == bare and self._is_about_target(single[-1], text):
            last = single[-1]
            listed = [
                s.attribute for s in single if s.sentence_start == last.sentence_start and s.citations == last.citations
            ]
            # What is said of the target is said to be shared next: with a title of the verdict's side.
            first = [frozenset(listed[:1])] if len(listed) > 1 else [frozenset({w}) for w in self.attributes.target]
            if not self._has_title_with_keywords(text, frozenset(listed)) and any(
                self._has_title_with_keywords(text, words) for words in first
            ):
                return Violation(last.start)
        return None

    def _build_attribute_violation(self, claim: AttributeClaim, text: str) -> Violation:
        """The violation of an attribute claim that does not hold, or is made twice."""
        assert self.attributes is not None
        index = claim.citations[-1]
        if claim.is_correct or claim.is_negated or index is None or self._is_about_target(claim, text):
            return Violation(None if claim.complete_at > claim.end and claim.is_negated else claim.start)
        sign = self.signs[int(MARK.findall(text)[index])]
        # A title that does not have what is said of it: another one, or nothing of the kind.
        if claim.is_known_keyword and sign:
            sentence_claims = [
                other
                for other in self.attributes.read_attribute_claims(text)
                if other.sentence_start == claim.sentence_start and not other.is_negated
            ]
            keywords = frozenset(other.attribute for other in sentence_claims if index in other.citations)
            return Violation(
                claim.start if claim.complete_at > claim.end else claim.sentence_start, index, sign, keywords
            )
        return Violation(claim.start)

    def _is_about_target(self, claim: AttributeClaim, text: str) -> bool:
        numbers = MARK.findall(text)
        return all(index is None or int(numbers[index]) in self.targets for index in claim.citations)
