"""The example in docs/own-data.md does what it says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from thinkrec.data.dataset import Dataset
from thinkrec.errors import DataError

PAGE = Path(__file__).resolve().parents[2] / "docs" / "own-data.md"


def blocks(kind: str) -> list[str]:
    return re.findall(rf"```{kind}\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)


@pytest.fixture
def example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    rows, wares = blocks("csv")
    (tmp_path / "interactions.csv").write_text(rows)
    (tmp_path / "items.csv").write_text(wares)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_example_runs(example: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names: dict = {}
    exec(blocks("python")[0], names)
    data = names["data"]
    assert isinstance(data, Dataset)
    assert data.summarise()["rows"] == {"all": 6, "train": 3, "valid": 2, "test": 1}
    assert data.items.keywords[:2] == [("sea", "family saga", "slow"), ("crime", "city", "dry humour")]
    assert data.items.texts["description"].to_list()[1] is None
    assert data.interactions.label.tolist() == [1, 0, 1, 1, 0, 1]
    assert "'users': 2" in capsys.readouterr().out


def test_the_message_is_the_real_one(example: Path) -> None:
    text = (example / "interactions.csv").read_text()
    (example / "interactions.csv").write_text(text.replace("ada,b2,2", "ada,b2,good"))
    with pytest.raises(DataError) as caught:
        Dataset.from_tables("interactions.csv", "items.csv", threshold=3)
    assert str(caught.value) == blocks("text")[0].strip()
