"""Messages with which a teacher is asked about a row, in the domain's own nouns.

The list and the line of the target have the format of the recommender's own prompts
(`prompts/templates/ratings_table.py`), so that a plain model that goes on from the last bar answers too.
"""

from __future__ import annotations

from collections.abc import Sequence

from thinkrec.claims.verdict import format_verdict
from thinkrec.data.columns import clean_line
from thinkrec.data.dataset import Dataset, Domain
from thinkrec.errors import DataError
from thinkrec.prompts.items import format_item_entry, truncate_keywords
from thinkrec.prompts.template import fill_domain_words
from thinkrec.prompts.templates import ratings_table
from thinkrec.reasons.config import SynthesisConfig
from thinkrec.teacher.client import Message
from thinkrec.teacher.rule_reasons import format_cited_title

TEXT_LIMIT = 800
"""Most characters of one further text."""


def render_first_question(ds: Dataset, row: int, config: SynthesisConfig) -> tuple[Message, ...]:
    """The opening question about a row: what was liked and disliked before it, and its item; never its outcome."""
    interactions, items, domain = ds.interactions, ds.items, ds.domain
    lines = [fill_domain_words(ratings_table.HEADING, domain)]
    past = interactions.get_history_rows(row, config.max_history)
    for earlier in past:
        item = int(interactions.item[earlier])
        words = truncate_keywords(items.keywords[item], config.max_keywords)
        verdict = format_verdict(bool(interactions.label[earlier]))
        lines.append(f"{format_item_entry(items.titles[item], words)}{ratings_table.BAR} {verdict}\n")
    if not len(past):
        lines.append(fill_domain_words(ratings_table.EMPTY_HISTORY, domain))
    target = int(interactions.item[row])
    for name in config.texts:
        text = clean_line(items.texts[name][target], TEXT_LIMIT)
        if text:
            lines.append(f"The next {domain.item}, {name}: {text}\n")
    words = truncate_keywords(items.keywords[target], config.max_keywords)
    lines += [fill_domain_words(ratings_table.REQUEST, domain), format_item_entry(items.titles[target], words)]
    lines.append(ratings_table.BAR)
    return Message("system", render_instructions(domain, config.words)), Message("user", "".join(lines))


def render_instructions(domain: Domain, words: int) -> str:
    """The system message: the task and the form of an answer."""
    item, items, user = domain.item, domain.items, domain.user
    return (
        f"You judge whether a {user} will like a {item}. You see the {items} that one {user} rated, one a line: title, "
        f"keywords, and Yes where it was liked or No where it was not. Weigh the disliked {items} as carefully as the "
        f"liked ones, and let recent ones count for more.\n"
        "Open with a single word, Yes or No, and a full stop. "
        f"Go on with about {words} words of plain prose, no headings and no lists: name the {items} of the list that "
        "decide the matter, each title in single quotes without its year; say of each whether it was liked or "
        f"disliked and what it shares with the next {item}; name the next {item} too; and admit the best point of the "
        f"other side. Cite no {item} that is not in the list."
    )


def render_retry(ds: Dataset, row: int) -> str:
    """The message after a wrong verdict, without the outcome."""
    domain, title = ds.domain, format_cited_title(ds.items.titles[int(ds.interactions.item[row])])
    return (
        f"Think it over once more. Which of the liked and which of the disliked {domain.items} come closest to "
        f"{title}, and in what? Then answer from the start, in the same form."
    )


def render_retry_with_label(ds: Dataset, row: int) -> str:
    """The message after a wrong verdict, with the outcome. An answer to this is recorded as hinted."""
    domain, liked = ds.domain, bool(ds.interactions.label[row])
    title = format_cited_title(ds.items.titles[int(ds.interactions.item[row])])
    return (
        f"As it happened, this {domain.user} {'liked' if liked else 'did not like'} {title}. Answer from the start, in "
        f"the same form, and open with {format_verdict(liked)}. Argue from the list alone, in the words of somebody "
        "who judges beforehand, and let nothing show that you know the outcome."
    )


def render_format_reminder() -> str:
    """The message after an answer that opens with neither Yes nor No."""
    return "An answer has to open with the single word Yes or No. Answer from the start, in that form."


def check_text_columns(ds: Dataset, texts: Sequence[str]) -> None:
    """Raise DataError if a column is not in the items table."""
    for name in texts:
        if name not in ds.items.texts.columns:
            known = ", ".join(ds.items.texts.columns) or "none"
            raise DataError(f"texts: the items have no column {name!r} (further text columns: {known})")
