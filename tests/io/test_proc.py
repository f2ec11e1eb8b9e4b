"""Fields of a /proc file."""

from __future__ import annotations

from pathlib import Path

from thinkrec.io.proc import read_proc_fields


def test_the_first_line_of_each_name_counts(tmp_path: Path) -> None:
    path = tmp_path / "cpuinfo"
    path.write_text("processor\t: 0\nmodel name\t: Fast: 2 GHz\n\nprocessor\t: 1\nmodel name\t: Slow\nbare\n")
    fields = read_proc_fields(str(path))
    assert fields["processor"] == "0"
    assert fields["model name"] == "Fast: 2 GHz", "only the first colon parts name and value"


def test_a_system_without_the_file_has_no_fields(tmp_path: Path) -> None:
    assert read_proc_fields(str(tmp_path / "meminfo")) == {}
