"""A text is as near to itself in every script, and other texts are not: nothing here assumes English."""

from __future__ import annotations

import json
import string
import unicodedata
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from thinkrec.cli import app
from thinkrec.evaluate.text import wordnet
from thinkrec.evaluate.text.compare import (
    CORPUS_BLEU,
    MetricResources,
    bootstrap_text_metrics,
    compute_interval,
    compute_text_metrics,
)
from thinkrec.evaluate.text.meteor import compute_meteor
from thinkrec.evaluate.text.metric_types import COMPARED
from thinkrec.evaluate.text.overlap import compute_bleu, compute_rouge_l
from thinkrec.evaluate.text.tokenization import split_blank_tokens, split_word_tokens

TEXTS = {
    "Chinese": "这位观众喜欢太空题材的影片。",
    "Chinese with a title": "喜欢《The Matrix》的人也会喜欢这部。",
    "Japanese": "このアニメは静かで、とても美しい。",
    "Thai": "ผู้ชมคนนี้ชอบหนังเกี่ยวกับทะเล",
    "Lao": "ຜູ້ຊົມຄົນນີ້ມັກຮູບເງົາ",
    "Khmer": "អ្នកទស្សនាចូលចិត្តភាពយន្ត",
    "Burmese": "ပရိသတ်သည် ရုပ်ရှင်ကို ကြိုက်သည်",
    "Korean": "이 관객은 조용한 바다 영화를 아주 좋아합니다",
    "Arabic": "يحب هذا المشاهد الأفلام الهادئة عن البحر",
    "Hebrew": "הצופה הזה אוהב סרטים שקטים על הים",
    "Cyrillic": "Зритель любит тихие фильмы о море",
    "Greek": "Στον θεατή αρέσουν οι ήσυχες ταινίες",
    "Hindi": "इस दर्शक को समुद्र की शांत फिल्में पसंद हैं",
    "Tamil": "இந்த பார்வையாளர் கடல் படங்களை விரும்புகிறார்",
    "Turkish": "İZLEYİCİ ILIK VE SESSİZ FİLMLERİ SEVER",
    "German": "Der Zuschauer mag stille Filme über die See",
    "Vietnamese": "Khán giả này thích những bộ phim yên tĩnh",
    "emoji": "🌊 👍🏽 👨‍👩‍👧 🎬 😀",
    "emoji together": "🌊👍🏽👨‍👩‍👧🎬",
    "mixed": "Yes 👍 喜欢 тихий film über das море",
    "punctuation": "? ! ... ; -",
    "numbers": "7 8 9.5 1,000 2024",
    "one Chinese character": "好",
    "one word": "Great",
    "two words": "Great film",
    "one Thai word": "ดี",
    "one emoji": "😀",
    "one sign": "?",
}
LONG = {name: text for name, text in TEXTS.items() if len(split_blank_tokens(text)) >= 4}


@pytest.mark.parametrize("name", TEXTS)
def test_a_text_against_itself_is_perfect_or_not_defined(name: str) -> None:
    text = TEXTS[name]
    values = compute_text_metrics([text], [text], MetricResources())
    found = {metric: float(value[0]) for metric, value in values.rows.items()}
    assert found["rouge_l"] >= 0.99 and found["bleu"] >= 0.99
    assert (found["meteor_no_synonyms"] >= 0.99) == (name in LONG)
    assert np.isnan(found["meteor_no_synonyms"]) == (name not in LONG)
    corpus = bootstrap_text_metrics(values, np.array([0]), draws=2).values[CORPUS_BLEU]
    assert corpus >= 0.99 or np.isnan(corpus)


@pytest.mark.parametrize("name", TEXTS)
def test_another_form_of_the_same_characters_is_the_same_text(name: str) -> None:
    one, other = (unicodedata.normalize(form, TEXTS[name]) for form in ("NFC", "NFD"))
    for metric, value in compute_text_metrics([one], [other], MetricResources()).rows.items():
        assert np.isnan(value[0]) or value[0] >= 0.99, metric


def test_half_of_a_chinese_text_is_half_of_it() -> None:
    reference, half = "这位观众喜欢太空题材", "这位观众喜"
    assert len(split_blank_tokens(reference)) == 10
    found = compute_text_metrics([half, "他讨厌战争片"], [reference] * 2, MetricResources()).rows
    assert found["rouge_l"].tolist() == pytest.approx([2 * 5 / (5 + 10), 0])
    # Five of five characters match, in one chunk, of ten.
    assert found["meteor_no_synonyms"][0] == pytest.approx(1 * 0.5 / (0.9 + 0.1 * 0.5) * (1 - 0.5 / 5**3))
    assert found["meteor_no_synonyms"][1] == 0
    assert found["bleu"][0] == pytest.approx(np.exp(1 - 10 / 5)), "every n-gram is there, the brevity penalty is left"


def test_marks_stay_with_their_letters_and_case_is_none() -> None:
    assert split_word_tokens("इस दर्शक") == ["इस", "दर्शक"]
    assert split_blank_tokens("ที่นี่") == ["ที่", "นี่"]
    assert split_word_tokens("Straße STRASSE") == ["strasse", "strasse"]
    assert compute_rouge_l(["ТИХИЙ ФИЛЬМ"], ["тихий фильм"])[0] == 1
    assert compute_rouge_l(["Ein stiller Film"], ["ein lauter Film"])[0] == pytest.approx(2 / 3)
    assert compute_meteor(["DIE STRASSE IST GUT"], ["die Straße ist gut"])[0] >= 0.99
    assert compute_rouge_l(["Great 👍"], ["Great 👎"])[0] == pytest.approx(0.5), "emoji count beside words"
    assert compute_rouge_l(["👍"], ["👎"])[0] == 0 and compute_rouge_l(["?"], ["!"])[0] == 0


@given(st.text(string.printable, max_size=40))
def test_english_is_cut_as_the_packages_cut_it(text: str) -> None:
    from rouge_score.tokenize import tokenize

    assert split_blank_tokens(text) == text.split()
    found = tokenize(text, None)
    assert split_word_tokens(text) == (found or [c for c in text if not c.isspace()])


def test_english_values_are_those_of_the_packages() -> None:
    from nltk.translate.meteor_score import single_meteor_score
    from rouge_score.rouge_scorer import RougeScorer
    from sacrebleu.metrics import BLEU

    from thinkrec.evaluate.text.meteor import NoSynonyms

    made = ["Yes. It's a slow, quiet film about the SEA (1994)!", "No: he likes wars; not this."]
    given_ = ["Yes. The slow film of 1994 is about a sea, and quiet.", "No. He doesn't like wars: this is one."]
    found = compute_text_metrics(made, given_, MetricResources()).rows
    pairs = list(zip(made, given_, strict=True))
    scorer = RougeScorer(["rougeL"], use_stemmer=False)
    assert found["rouge_l"].tolist() == [scorer.score(b, a)["rougeL"].fmeasure for a, b in pairs]
    assert found["bleu"].tolist() == [BLEU(effective_order=True).sentence_score(a, [b]).score / 100 for a, b in pairs]
    assert found["meteor_no_synonyms"].tolist() == [
        single_meteor_score(b.split(), a.split(), wordnet=NoSynonyms()) for a, b in pairs
    ]
    scores, _ = compute_bleu(made, given_)
    assert scores.tolist() == found["bleu"].tolist()


def test_means_leave_out_what_is_not_defined() -> None:
    values = compute_text_metrics(["Great", "a b c d", "a b x y"], ["Great", "a b c d", "a b c d"], MetricResources())
    meteor = values.rows["meteor_no_synonyms"]
    drawn = bootstrap_text_metrics(values, np.array([0, 1, 2]), draws=200)
    assert drawn.values["meteor_no_synonyms"] == pytest.approx(meteor[1:].mean())
    # A draw of the first user alone has no value, and none of the others is pulled down.
    draws = drawn.draws["meteor_no_synonyms"]
    assert np.isnan(draws).any() and np.nanmin(draws) == pytest.approx(meteor[2])
    assert compute_interval(drawn, "meteor_no_synonyms").low == pytest.approx(meteor[2])


def test_the_table_says_what_is_not_defined_and_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wordnet, "_PLACES", ())
    names = list(TEXTS)
    table = pl.DataFrame({"order": range(len(names)), "user_id": names, "reason": [TEXTS[name] for name in names]})
    table.write_parquet(tmp_path / "all.parquet")
    short = [name for name in names if name not in LONG]
    table.filter(pl.col("user_id").is_in(short)).write_csv(tmp_path / "short.csv")

    def call(name: str) -> tuple[str, dict]:
        path, out = str(tmp_path / name), str(tmp_path / "out.json")
        arguments = ["evaluate", "text", path, "--references", path, "--draws", "100", "--out", out]
        result = CliRunner().invoke(app, arguments)
        assert result.exit_code == 0, result.output
        return " ".join(result.stdout.split()), json.loads(Path(out).read_text())

    shown, found = call("all.parquet")
    assert f"METEOR no syn.: not defined for {len(short)} of {len(names)} rows, whose reference has fewer" in shown
    compared = {name: value["value"] for name, value in found["estimates"]["all"].items() if name in COMPARED}
    assert len(compared) == 4 and min(compared.values()) >= 0.99
    assert found["estimates"]["all"]["distinct_words_share"]["value"] == pytest.approx(1)
    rows = pl.read_parquet(tmp_path / "out.parquet").filter(system="all")
    assert rows["meteor_no_synonyms"].null_count() == len(short)
    shown, found = call("short.csv")
    assert "corpus BLEU: not defined: no reference has 4 tokens" in shown and "n/a" in shown
    assert found["estimates"]["short"]["meteor_no_synonyms"]["value"] is None
    assert found["estimates"]["short"]["corpus_bleu"]["value"] is None
    assert found["estimates"]["short"]["rouge_l"]["value"] == pytest.approx(1)
    assert len(found["remarks"]) == 2
