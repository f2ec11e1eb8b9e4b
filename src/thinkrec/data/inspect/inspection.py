"""Everything about two tables at once: guesses, problems, figures, and the settings that a run of them needs."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import polars as pl
from pydantic import ValidationError

from thinkrec.data.columns import strip_whitespace
from thinkrec.data.dataset import Dataset
from thinkrec.data.inspect.column_guess import UNSURE, guess_columns
from thinkrec.data.inspect.facts import DataFacts, compute_facts
from thinkrec.data.inspect.findings import Finding, list_fact_notes, make_problem
from thinkrec.data.inspect.flag_guess import guess_flags
from thinkrec.data.inspect.id_match import describe_alike_ids, match_id_columns
from thinkrec.data.inspect.names import find_domain_words, is_count_name, is_maker_name
from thinkrec.data.inspect.proposals import (
    Proposal,
    RatingFacts,
    count_ratings,
    has_commas,
    propose_keyword_rules,
    propose_missing,
    propose_negatives,
    propose_split,
    propose_threshold,
)
from thinkrec.data.inspect.rating_problems import describe_unusable_ratings
from thinkrec.data.inspect.table_guess import ReadTable, name_guessed_columns, read_unknown_table
from thinkrec.data.inspect.table_paths import expand_paths
from thinkrec.data.inspect.training_time import TrainingTime, estimate_training_time
from thinkrec.data.keyword_rules import KeywordReport, KeywordRules, apply_keyword_rules
from thinkrec.data.row_problems import Problem, collect_problems
from thinkrec.data.split_check import list_split_problems
from thinkrec.data.table_config import TableData, load_tables
from thinkrec.errors import DataError, DataWarning
from thinkrec.io.counts import format_count
from thinkrec.io.settings import explain_validation_error, parse_settings

MUCH = 0.1
"""Share of rows that cannot be used from which on it is said once more."""
_SETTLING = {"on_error": "drop", "unknown_items": "drop"}


@dataclass
class Inspection:
    """What was found out about tables."""

    tables: list[ReadTable] = field(default_factory=list)
    """Those that were guessed; empty for a recipe, which says it all."""
    interactions: ReadTable | None = None
    items: ReadTable | None = None
    proposals: list[Proposal] = field(default_factory=list)
    """Settings that were chosen, and why."""
    config: TableData | None = None
    """The `data` of a recipe that runs on these tables; None where there is none."""
    findings: list[Finding] = field(default_factory=list)
    ratings: RatingFacts | None = None
    keywords: KeywordReport | None = None
    """What `keyword_rules` do to the keywords of the catalogue; where there are none, what they would do at their
    defaults."""
    facts: DataFacts | None = None
    time: TrainingTime | None = None

    @property
    def ratings_title(self) -> str:
        """What the column of ratings is: ratings, or counts by its name."""
        columns = self.interactions.guess.columns if self.interactions is not None else ()
        name = next((column.theirs for column in columns if column.ours == "rating"), "ratings")
        return f"rows by '{name}', from" if is_count_name(name) else "ratings"

    @property
    def problems(self) -> list[Finding]:
        """What would stop a run."""
        return [finding for finding in self.findings if finding.severity == "problem"]

    def list_open_problems(self) -> list[Finding]:
        """What would stop a run with the proposed settings too."""
        return [finding for finding in self.problems if finding.settled_by is None]

    def to_json(self) -> dict[str, object]:
        """As plain values."""
        return {
            "tables": [
                {
                    "path": str(table.path),
                    "role": self._name_role(table),
                    "rows": table.frame.height,
                    "format": table.form.model_dump(exclude_defaults=True),
                    "columns": [vars(column) for column in table.guess.columns],
                    "notes": list(table.notes),
                }
                for table in self.tables
            ],
            "proposals": [vars(proposal) for proposal in self.proposals],
            "problems": [finding.to_json() for finding in self.problems],
            "notes": [finding.to_json() for finding in self.findings if finding.severity == "note"],
            "ratings": None if self.ratings is None else [list(pair) for pair in self.ratings.counts],
            "keywords": None if self.keywords is None else self.keywords.to_json(),
            "facts": None if self.facts is None else self.facts.to_json(),
            "training_time": None if self.time is None else self.time.to_json(),
            "data": None if self.config is None else self.config.dump_given_keys(),
        }

    def _name_role(self, table: ReadTable) -> str:
        if table is self.interactions:
            return "interactions"
        return "items" if table is self.items else "not used"


def inspect_files(paths: Sequence[Path], settings: Sequence[str] = ()) -> Inspection:
    """Guess what tables these are, and inspect the data set that they make.

    Args:
        paths: files, folders or patterns, in any order.
        settings: keys of `TableData` that are known better than guessed, each KEY=VALUE.

    Raises RecipeError for a setting that is none. What is wrong with the tables is part of the value.
    """
    changes: dict[str, Any] = {}
    parse_settings(changes, settings, "option", "key=value, for instance threshold=3")
    named = expand_paths(paths)
    tables = [read_unknown_table(path) for path in named.paths]
    inspection = Inspection(tables=[table for table in tables if not (table.error and table.path in named.hinted)])
    inspection.findings += [Finding("note", note) for note in named.notes]
    inspection.findings += [
        Finding("problem", table.error, str(table.path)) for table in inspection.tables if table.error
    ]
    inspection.items = next((table for table in inspection.tables if table.guess.role == "items"), None)
    _change_columns(inspection)
    inspection.interactions = _choose_interactions(inspection.tables)
    if "feedback" in changes:
        _drop_rating_columns(inspection)
    _match_tables(inspection)
    used = [table for table in inspection.tables if table in (inspection.interactions, inspection.items)]
    for table in used or inspection.tables:
        inspection.findings += [make_problem(problem) for problem in table.problems]
        inspection.findings += [Finding("note", note, str(table.path)) for note in table.notes]
    inspection.findings += _list_missing_tables(inspection, changes)
    if inspection.interactions is None or inspection.items is None:
        return inspection
    rating = next((c for c in inspection.interactions.guess.columns if c.ours == "rating"), None)
    if rating is not None:
        inspection.ratings = count_ratings(inspection.interactions.frame[rating.theirs])
    inspection.proposals = _propose_settings(inspection.interactions, inspection.items, changes)
    if rating is not None and _is_threshold_missing(inspection, changes):
        why = describe_unusable_ratings(inspection.interactions.frame[rating.theirs])
        inspection.findings.append(Finding("problem", f"{inspection.interactions.path}: {why}"))
    values: dict[str, Any] = {proposal.key: proposal.value for proposal in inspection.proposals}
    values |= {"interactions": str(inspection.interactions.path), "items": str(inspection.items.path)}
    for name, table in (("interactions_format", inspection.interactions), ("items_format", inspection.items)):
        values[name] = table.form.model_dump(mode="json", exclude_defaults=True)
    parse_settings(values, settings, "option", "key=value, for instance threshold=3")
    try:
        config = TableData.model_validate(values)
    except ValidationError as error:
        raise explain_validation_error(error, "the settings of the tables", echo=True) from error
    if not any(finding.severity == "problem" and finding.settled_by is None for finding in inspection.findings):
        read = {str(table.path) for table in inspection.tables}
        _inspect_config(inspection, config, read, proposes_rules="keyword_rules" not in changes)
    return inspection


def inspect_tables(config: TableData) -> Inspection:
    """Inspect the data set of a recipe that names its tables."""
    inspection = Inspection()
    _inspect_config(inspection, config, set())
    return inspection


def inspect_dataset(ds: Dataset) -> Inspection:
    """Inspect a data set that is there already."""
    inspection = Inspection()
    _add_facts(inspection, ds)
    return inspection


def _inspect_config(inspection: Inspection, config: TableData, read: set[str], *, proposes_rules: bool = False) -> None:
    """Load the tables with all that is wrong in them left out, and add problems, notes and figures.

    `read`: tables whose lines were reported already; `proposes_rules`: whether rules for keywords are chosen too.
    """
    lenient = config.model_copy(update={**_SETTLING, "keyword_rules": None})
    with warnings.catch_warnings(record=True) as remark_texts, collect_problems() as collected:
        warnings.simplefilter("always", DataWarning)
        try:
            ds = load_tables(lenient)
        except DataError as error:
            inspection.findings += _list_fresh(collected.problems, read)
            inspection.findings += _note_large_losses(inspection, [make_problem(p) for p in collected.problems])
            inspection.findings.append(Finding("problem", str(error)))
            return
    problems = [make_problem(problem) for problem in collected.problems]
    fresh = _list_fresh(collected.problems, read)
    settled = {f"{key}: {value}" for key, value in _SETTLING.items() if getattr(config, key) == value}
    inspection.findings += [
        replace(problem, severity="note") if problem.settled_by in settled else problem for problem in fresh
    ]
    inspection.findings += _note_large_losses(inspection, problems)
    told_texts = {finding.text for finding in inspection.findings}
    notes = [str(entry.message) for entry in remark_texts if issubclass(entry.category, DataWarning)]
    inspection.findings += [Finding("note", note) for note in dict.fromkeys(notes) if note not in told_texts]
    needed = {problem.settled_by for problem in problems} | {f.settled_by for f in inspection.problems}
    updates = {key: value for key, value in _SETTLING.items() if f"{key}: {value}" in needed}
    inspection.config = config.model_copy(update=updates)
    inspection.proposals += [
        Proposal(key, value, "some rows or lines cannot be used; see the problems")
        for key, value in updates.items()
        if getattr(config, key) != value
    ]
    if proposes_rules and (proposal := propose_keyword_rules(ds.items.keywords)) is not None:
        inspection.proposals.append(proposal)
        rules = KeywordRules.model_validate(proposal.value)
        inspection.config = inspection.config.model_copy(update={"keyword_rules": rules})
    if config.negatives is not None:
        inspection.findings.append(Finding("note", f"{config.negatives.describe()}."))
    _add_facts(inspection, ds)


def _note_large_losses(inspection: Inspection, problems: Sequence[Finding]) -> list[Finding]:
    """A note where a recipe that leaves out what cannot be used leaves out much."""
    table = inspection.interactions
    lost = [problem for problem in problems if table is not None and problem.source == str(table.path)]
    most = max((problem.count for problem in lost), default=0)
    if table is None or most <= MUCH * table.frame.height:
        return []
    share = most / table.frame.height
    return [
        Finding(
            "note",
            f"{table.path}: {most:,} of {format_count(table.frame.height, 'row')} ({share:.0%}) cannot be used for one "
            "reason, and a recipe that leaves them out learns from the rest alone. Mend the file first.",
        )
    ]


def _list_fresh(problems: Sequence[Problem], read: set[str]) -> list[Finding]:
    """What was not said when the tables were read for the first time: lines of those in `read` were."""
    return [make_problem(problem) for problem in problems if not (problem.unit == "line" and problem.source in read)]


def _add_facts(inspection: Inspection, ds: Dataset) -> None:
    rules = None if inspection.config is None else inspection.config.keyword_rules
    words, inspection.keywords = apply_keyword_rules(ds.items.keywords, rules or KeywordRules())
    if rules is not None:
        ds = replace(ds, items=replace(ds.items, keywords=words))
    inspection.facts = compute_facts(ds)
    inspection.time = estimate_training_time(ds)
    inspection.findings += [Finding("problem", text) for text in list_split_problems(ds)]
    alike = (describe_alike_ids(ds.user_ids, "user"), describe_alike_ids(ds.items.ids, "item"))
    inspection.findings += [Finding("note", text) for text in alike if text is not None]
    inspection.findings += list_fact_notes(inspection.facts)


def _change_columns(inspection: Inspection) -> None:
    """Look at tables without a header again, now that the ids of the items are known."""
    if inspection.items is None:
        return
    column = next(c.theirs for c in inspection.items.guess.columns if c.ours == "item_id")
    ids = set(strip_whitespace(inspection.items.frame[column].cast(pl.String)).drop_nulls().to_list())
    for place, table in enumerate(inspection.tables):
        if (
            table is not inspection.items
            and not table.error
            and (not table.form.header or table.guess.role == "unknown" or _is_unsure(table))
        ):
            guess = guess_columns(table.frame, table.form.header, ids)
            inspection.tables[place] = name_guessed_columns(table, guess)


def _drop_rating_columns(inspection: Inspection) -> None:
    """Take no column for ratings or labels, where counts say what is a Yes and what a No."""
    for place, table in enumerate(inspection.tables):
        if table is inspection.interactions:
            columns = [column for column in table.guess.columns if column.ours not in ("rating", "label")]
            guess = replace(table.guess, columns=type(table.guess.columns)(columns))
            inspection.tables[place] = inspection.interactions = name_guessed_columns(table, guess)


def _choose_interactions(tables: Sequence[ReadTable]) -> ReadTable | None:
    """The table of interactions that says most: opinions before counts before neither; of equal ones the longest."""
    candidates = [table for table in tables if table.guess.role == "interactions"]

    def weigh(table: ReadTable) -> tuple[bool, bool, int]:
        theirs = {column.ours: column.theirs for column in table.guess.columns}
        opinion = theirs.get("rating", theirs.get("label"))
        return opinion is not None and not is_count_name(opinion), opinion is not None, table.frame.height

    return max(candidates, key=weigh, default=None)


def _match_tables(inspection: Inspection) -> None:
    """Look again at the columns of ids, and at flags of the items, now that both tables are known."""
    rows, items = inspection.interactions, inspection.items
    if rows is not None and items is not None and rows.form.header:
        guesses = match_id_columns(rows.frame, items.frame, rows.guess, items.guess)
        inspection.interactions = _replace_table(inspection, rows, name_guessed_columns(rows, guesses[0]))
        inspection.items = items = _replace_table(inspection, items, name_guessed_columns(items, guesses[1]))
    if items is not None:
        others = {table.path: table.frame for table in inspection.tables if table is not items and not table.error}
        flags = guess_flags(items.path, items.frame, items.guess, items.form.header, others)
        if flags.note:
            form = items.form.model_copy(update={"flags": dict(flags.flags)})
            changed = replace(items, form=form, notes=(*items.notes, flags.note))
            inspection.items = _replace_table(inspection, items, changed)


def _replace_table(inspection: Inspection, table: ReadTable, changed: ReadTable) -> ReadTable:
    inspection.tables[inspection.tables.index(table)] = changed
    return changed


def _is_unsure(table: ReadTable) -> bool:
    return any(column.why.endswith(UNSURE) for column in table.guess.columns)


def _is_threshold_missing(inspection: Inspection, given: Mapping[str, Any]) -> bool:
    """Whether nothing says which rows are likes: no threshold could be proposed, and nothing takes its place."""
    settled = {proposal.key for proposal in inspection.proposals} | set(given)
    columns = () if inspection.interactions is None else inspection.interactions.guess.columns
    return not settled & {"threshold", "negatives", "feedback"} and all(column.ours != "label" for column in columns)


def _list_missing_tables(inspection: Inspection, given: Mapping[str, Any]) -> list[Finding]:
    problems = []
    seen = "; ".join(
        f"{table.path.name} has {', '.join(table.frame.columns)}" for table in inspection.tables if not table.error
    )
    if inspection.interactions is None:
        problems.append(f"no table of interactions was found, with a column of users and one of items ({seen}).")
    if inspection.items is None:
        problems.append(
            f"no table of items was found, with ids and titles ({seen}). Give both tables; where items have no names, "
            "make a column of titles with their ids."
        )
    if any(table.error for table in inspection.tables):
        problems = []  # the table that is missing is most likely the one that cannot be read
    table = inspection.interactions
    ours = {column.ours for column in table.guess.columns} if table is not None else set()
    ours |= set(given.get("interactions_format", {}).get("columns", {}))
    if table is not None and "timestamp" not in ours and propose_split(ours) is None:
        problems.append(
            f"{table.path}: no column of times was found, and a split by time needs one. Name it: -o "
            "interactions_format.columns.timestamp=NAME."
        )
    return [Finding("problem", text) for text in problems]


def _propose_settings(table: ReadTable, items: ReadTable, given: dict[str, Any]) -> list[Proposal]:
    ours = {column.ours: column for column in table.guess.columns}
    rating = ours.get("rating")
    is_implicit = not {"threshold", "feedback"} & set(given) and "label" not in ours
    is_implicit = is_implicit and (rating is None or is_count_name(rating.theirs))
    proposals: list[Proposal | None] = []
    if is_implicit:
        proposals += propose_negatives(None if rating is None else table.frame[rating.theirs])
    elif rating is not None and "label" not in ours:
        column = table.frame[rating.theirs]
        missing = propose_missing(column)
        proposals.append(missing)
        marks = given.get("missing", missing.value if missing else [])
        proposals.append(propose_threshold(column, list(marks or [])))
    names = [ours["user_id"].theirs, ours["item_id"].theirs]
    theirs = {column.ours: column.theirs for column in items.guess.columns}
    pairs = table.frame.select(names).drop_nulls()
    repeated = len(pairs) - pairs.n_unique()
    if repeated:
        why = f"{format_count(repeated, 'row names', 'rows name')} a user and an item of another row: the latest counts"
        proposals.append(Proposal("duplicates", "last", why))
    proposals.append(propose_split(set(ours), per_user=is_implicit))
    maker = next((column for column in items.guess.columns if column.ours == "keywords"), None)
    if maker is not None and is_maker_name(maker.theirs) and has_commas(items.frame[maker.theirs]):
        why = "one name each: a comma belongs to it"
        proposals.append(Proposal("separators", {"keywords": "|"}, why))
    if (words := find_domain_words(names[1], theirs["item_id"], items.path.name, table.path.name)) is not None:
        why = "by the names of columns and files: what prompts call things"
        proposals += [Proposal(key, word, why) for key, word in zip(("item", "items_word", "user"), words, strict=True)]
    return [proposal for proposal in proposals if proposal is not None and proposal.key not in given]
