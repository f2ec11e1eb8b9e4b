"""METEOR, ROUGE-L and BLEU: small cases by hand, and the packages called directly."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from thinkrec.errors import DataError, ThinkRecError
from thinkrec.evaluate.metrics import checks
from thinkrec.evaluate.metrics.permutation import draw_permutation_baseline
from thinkrec.evaluate.text import meteor as met
from thinkrec.evaluate.text.meteor import compute_meteor
from thinkrec.evaluate.text.overlap import compute_bleu, compute_corpus_bleu, compute_rouge_l
from thinkrec.evaluate.text.wordnet import find_wordnet, format_lexnames, open_wordnet

PAIRS = [
    ("the cat sat on the mat", "the cat sat on the mat"),
    ("a dog", "the cat sat on the mat"),
    ("On the mat sat the cats.", "the cat sat on the mat"),
    ("Yes. He likes slow films, and this film is slow", "Yes. He enjoys slow movies; this one is slow."),
    ("", "something"),
    ("one", "one"),
]
MADE, GIVEN = [pair[0] for pair in PAIRS], [pair[1] for pair in PAIRS]
TEXTS = st.lists(st.sampled_from(["the", "cat", "cats", "sat", "on", "mat", "car", "."]), max_size=9).map(" ".join)


@pytest.fixture(scope="module")
def dictionary():
    folder = find_wordnet()
    if folder is None:
        pytest.skip("there is no WordNet 3.0 here (apt-get install wordnet-base)")
    return open_wordnet(folder)


# -- METEOR ------------------------------------------------------------------------------------------------------------


def by_formula(matches: int, made: int, given_: int, chunks: int) -> float:
    """Lavie and Agarwal (2007) with alpha .9, beta 3, gamma .5."""
    p, r = matches / made, matches / given_
    return p * r / (0.9 * p + 0.1 * r) * (1 - 0.5 * (chunks / matches) ** 3)


def test_meteor_by_hand() -> None:
    found = compute_meteor(MADE, GIVEN)
    assert found[0] == pytest.approx(by_formula(6, 6, 6, 1))
    assert found[1] == 0
    assert found[4] == 0
    assert found[5] == pytest.approx(0.5), "a single match is one chunk of one: half is taken off"
    stems = compute_meteor(["Cats sitting"], ["cat sits"])
    assert stems[0] == pytest.approx(by_formula(2, 2, 2, 1))
    glued = compute_meteor(["mat."], ["mat"])
    assert glued[0] == 0, "tokens are split at white space only"


def test_synonyms_need_wordnet(dictionary) -> None:
    made, given_ = ["an old couch stops"], ["a new sofa stops"]
    assert compute_meteor(made, given_)[0] == pytest.approx(by_formula(1, 4, 4, 1))
    assert compute_meteor(made, given_, dictionary)[0] == pytest.approx(by_formula(2, 4, 4, 1))
    # nltk looks up what the stemmer left, so a word whose stem is no word finds no synonyms: automobil.
    assert compute_meteor(["automobile"], ["car"], dictionary)[0] == 0


def test_meteor_is_that_of_nltk(dictionary) -> None:
    from nltk.translate.meteor_score import meteor_score

    direct = [meteor_score([b.split()], a.split(), wordnet=dictionary) for a, b in PAIRS]
    assert compute_meteor(MADE, GIVEN, dictionary).tolist() == direct


@given(TEXTS, TEXTS)
def test_meteor_stays_within_its_bounds(a: str, b: str) -> None:
    (found,) = compute_meteor([a], [b])
    assert 0 <= found <= 1
    assert (found > 0) == bool(set(stems(a)) & set(stems(b)))


def stems(text: str) -> list[str]:
    from nltk.stem.porter import PorterStemmer

    return [PorterStemmer().stem(word) for word in text.split()]


def test_the_yardsticks_of_the_written_reasons(ml1m_folder) -> None:
    table = pl.read_parquet(ml1m_folder / "reasons.parquet").filter(pl.col("split") == "test").sort("order")
    reasons = table["reason"].to_list()
    _, code = checks.encode_users(table["user_id"].to_numpy(), len(reasons))
    another = draw_permutation_baseline(code, 0)
    chance = compute_meteor([reasons[place] for place in another], reasons)
    assert chance.mean() == pytest.approx(0.114, abs=0.003)
    # A second trace by the same writer: where the first verdict was wrong, it argued again.
    second = table.filter("hinted")
    again = compute_meteor(second["first_reason"].to_list(), second["reason"].to_list())
    assert again.mean() == pytest.approx(0.231, abs=0.001)


# -- WordNet -----------------------------------------------------------------------------------------------------------


def test_wordnet_is_whole_and_nothing_is_left_behind(dictionary, tmp_path) -> None:
    import nltk.data

    assert dictionary.get_version() == "3.0"
    assert dictionary.synset("car.n.01").lexname() == "noun.artifact"
    assert {"film", "movie"} <= {lemma.name() for lemma in dictionary.synset("movie.n.01").lemmas()}
    assert dictionary.synsets("better", pos="a"), "exceptions such as better -> good are read"
    assert not any("thinkrec-wordnet" in str(path) for path in nltk.data.path)


def test_lexnames_has_all_45_names() -> None:
    lines = [line.split("\t") for line in format_lexnames().splitlines()]
    assert [int(line[0]) for line in lines] == list(range(45))
    assert lines[6][1:] == ["noun.artifact", "1"]
    assert lines[44][1:] == ["adj.ppl", "3"]


def test_a_folder_without_a_dictionary_is_refused(tmp_path) -> None:
    with pytest.raises(DataError, match="apt-get install wordnet-base"):
        open_wordnet(tmp_path)


NAMES = [f"{part}.{kind}" for part in ("index", "data") for kind in ("noun", "verb", "adj", "adv")]
HEADER = "  1 This software and database is being provided to you. WordNet {} Copyright 2006 by Princeton University.\n"


@pytest.mark.parametrize(
    ("version", "message"), [("2.1", r"holds WordNet 2\.1"), ("3.0", "does not know|cannot be read")]
)
def test_a_dictionary_of_another_version_or_a_damaged_one_is_refused(version: str, message: str, tmp_path) -> None:
    for name in NAMES:
        (tmp_path / name).write_text(HEADER.format(version))
    for kind in ("noun", "verb", "adj", "adv"):
        (tmp_path / f"{kind}.exc").write_text("")
    with pytest.raises(DataError, match=message):
        open_wordnet(tmp_path)
    (tmp_path / "index.noun").write_text("a torn line")
    with pytest.raises(DataError, match="holds WordNet" if version == "2.1" else "cannot be read"):
        open_wordnet(tmp_path)


# -- ROUGE-L and BLEU --------------------------------------------------------------------------------------------------


def test_rouge_l_by_hand() -> None:
    found = compute_rouge_l(MADE, GIVEN)
    assert found[0] == 1
    assert found[1] == found[4] == 0
    assert found[2] == pytest.approx(2 * 3 / (6 + 6)), "'on the mat' is the longest run in order; cats is not cat"


def test_rouge_l_is_that_of_the_package() -> None:
    from rouge_score.rouge_scorer import RougeScorer

    scorer = RougeScorer(["rougeL"], use_stemmer=False)
    assert compute_rouge_l(MADE, GIVEN).tolist() == [scorer.score(b, a)["rougeL"].fmeasure for a, b in PAIRS]


def test_bleu_by_hand() -> None:
    scores, counts = compute_bleu(["a b c d e"], ["a b c d f"])
    assert counts.tolist() == [[4, 3, 2, 1, 5, 4, 3, 2, 5, 5]]
    assert scores[0] == pytest.approx((4 / 5 * 3 / 4 * 2 / 3 * 1 / 2) ** 0.25)
    short, _ = compute_bleu(["a b"], ["a b c d"])
    assert short[0] == pytest.approx(np.exp(1 - 4 / 2)), "orders 1 and 2 are perfect, the brevity penalty is left"


def test_bleu_is_that_of_the_package() -> None:
    from sacrebleu.metrics import BLEU

    scores, counts = compute_bleu(MADE, GIVEN)
    direct = [BLEU(effective_order=True).sentence_score(a, [b]).score / 100 for a, b in PAIRS]
    assert scores.tolist() == direct
    whole = BLEU().corpus_score(MADE, [GIVEN]).score / 100
    assert compute_corpus_bleu(counts.sum(axis=0)) == pytest.approx(whole, abs=1e-12)


@given(st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=5))
def test_corpus_bleu_from_counts_is_corpus_bleu(pairs: list[tuple[str, str]]) -> None:
    from sacrebleu.metrics import BLEU

    made, given_ = [a for a, _ in pairs], [b for _, b in pairs]
    _, counts = compute_bleu(made, given_)
    assert compute_corpus_bleu(counts.sum(axis=0)) == pytest.approx(
        BLEU().corpus_score(made, [given_]).score / 100, abs=1e-12
    )


@pytest.mark.parametrize(
    ("module", "call"),
    [("nltk", compute_meteor), ("rouge_score", compute_rouge_l), ("sacrebleu.metrics.bleu", compute_bleu)],
)
def test_missing_packages_are_named(module: str, call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, module, None)
    with pytest.raises(ThinkRecError, match=r'pip install "thinkrec\[text\]"'):
        call(["a"], ["a"])


def test_texts_of_another_number_are_refused() -> None:
    for call in (compute_meteor, compute_rouge_l, compute_bleu):
        with pytest.raises(ValueError, match=r"zip|argument"):
            call(["a"], ["a", "b"])


def test_the_two_meteors_have_different_names() -> None:
    assert met.WITH_SYNONYMS != met.WITHOUT_SYNONYMS
