"""What one entry of the tables in this folder says."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = Path("src") / "thinkrec"


@dataclass(frozen=True)
class Mutant:
    """A small change to the source that does harm, and the tests that have to notice it."""

    name: str
    """Short and unique."""
    file: str
    """Under src/thinkrec."""
    old: str
    """Text that stands in the file exactly once; short and on one line where that will do."""
    new: str
    """What stands there instead."""
    tests: tuple[str, ...]
    """Tests under tests/, such as `train/test_loop.py::test_x`; at least one has to fail."""
    why: str
    """The harm, in a few words."""

    def stale(self, root: Path = ROOT) -> str | None:
        """Why the change cannot be made in this tree, or None."""
        path = root / PACKAGE / self.file
        if not path.is_file():
            return f"{self.file} is not there"
        count = path.read_text(encoding="utf-8").count(self.old)
        return None if count == 1 else f"its old text stands in {self.file} {count} times instead of once"

    def apply(self, root: Path) -> None:
        """Make the change in a copy of the tree."""
        path = root / PACKAGE / self.file
        path.write_text(path.read_text(encoding="utf-8").replace(self.old, self.new), encoding="utf-8")
