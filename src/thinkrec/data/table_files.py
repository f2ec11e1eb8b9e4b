"""`read_table`: a file, a folder of files or a pattern such as "part-*.csv" becomes one frame."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from thinkrec.data import columns as col
from thinkrec.data.archives import is_archive, is_member, list_members
from thinkrec.data.damage import make_damage_error
from thinkrec.data.delimited import SEPARATORS, read_delimited
from thinkrec.data.file_bytes import PACKED, is_damaged
from thinkrec.data.flag_columns import join_flag_columns
from thinkrec.data.json_lines import JSON_KINDS, read_jsonl
from thinkrec.data.messages import emit_warning, warn_rows
from thinkrec.data.row_trace import join_files, keep_rows, name_rows
from thinkrec.data.table_columns import name_columns
from thinkrec.data.table_format import PLAIN_FORMAT, OnError, TableFormat
from thinkrec.errors import DataError
from thinkrec.io.counts import choose_form, format_count

ARROW_KINDS = (".arrow", ".feather", ".ipc")
_WHOLE_NUMBER = r"^(0|-?[1-9][0-9]{0,17})$"
_KNOWN = "Use .parquet, .csv, .tsv, .csv.gz, .tsv.gz or .jsonl"


def read_table(path: str | Path, form: TableFormat = PLAIN_FORMAT, *, on_error: OnError = "raise") -> pl.DataFrame:
    """A table from .parquet, .arrow, .jsonl, .json, .csv or .tsv, from RecBole's .inter and .item, or from other text.

    Text may be compressed (.gz, .zst, .bz2, .xz); a file of another name needs `form.separator`. A folder, or a pattern
    with * or ?, stands for all its files, read by name one after the other. Text is UTF-8 unless `form` says otherwise.

    All columns of separated text come as text, so that a title "1984" stays text and an id "007" keeps its zeros; ids
    that are plain whole numbers throughout become integers. See `delimited` for quotes and `json_lines` for JSON lines.

    Args:
        path: file, folder or pattern.
        form: how it is written and what its columns are called.
        on_error: whether a line that is no record ends the reading, or is left out and counted.

    Raises:
        DataError: if the file is missing, unreadable or of another kind; it names the line where a file of text is
            wrong.
    """
    files = list_table_files(path)
    frames = [_read_file(file, form, on_error) for file in files]
    join_files(str(path), [(str(file), file.name, frame.height) for file, frame in zip(files, frames, strict=True)])
    df = frames[0] if len(frames) == 1 else _join_frames(frames, files, path)
    df = join_flag_columns(name_columns(df, form.columns, str(path)), form.flags, str(path))
    if files[0].suffix.lower() == ".parquet" or get_kind(files[0]) in (*JSON_KINDS, *ARROW_KINDS):
        return df
    for name in ("user_id", "item_id"):
        if name in df.columns and _has_whole_numbers(df[name]):
            texts = df[name].cast(pl.String)
            bare = col.strip_whitespace(texts)
            warn_rows(df[name], bare != texts, str(path), "have white space around the id", "It is cut off.")
            df = df.with_columns(bare.cast(pl.Int64))
    return df


def _has_whole_numbers(column: pl.Series) -> bool:
    """Whether every value is text that is a plain whole number, but for white space around it."""
    if column.dtype not in (pl.String, pl.Categorical) or column.null_count():
        return False
    return col.strip_whitespace(column.unique().cast(pl.String)).str.contains(_WHOLE_NUMBER).all()


def list_table_files(path: str | Path) -> list[Path]:
    """The files that a path, a folder or a pattern means, by name. Raises DataError where there is none."""
    path = Path(path).expanduser()
    if is_archive(path):
        return [_choose_member(path)]
    if path.is_file() or is_member(path):
        return [path]
    if path.is_dir():
        inside = sorted(file for file in path.rglob("*") if file.is_file() and not _is_hidden(file, path))
        files = [file for file in inside if get_kind(file) is not None]
        if not files:
            raise DataError(f"{path}: this is a folder without a table in it; give the file of a table. {_KNOWN}.")
        kinds = sorted({str(get_kind(file)) for file in files})
        if len(kinds) > 1:
            raise DataError(
                f"{path}: the folder holds files of several kinds ({', '.join(kinds)}), and one table has one kind. "
                f"Give a pattern, such as {path / ('*' + kinds[0])}."
            )
        return files
    if any(mark in path.name for mark in "*?["):
        files = sorted(file for file in path.parent.glob(path.name) if file.is_file())
        if not files:
            raise DataError(f"{path}: no file has a name like this. Check the path and the pattern.")
        return files
    raise DataError(f"{path}: no such file. Check the path, which is taken from the current folder unless absolute.")


def _choose_member(archive: Path) -> Path:
    """The only table in an archive. Raises DataError where it has none or several."""
    members = [path for path in list_members(archive) if get_kind(path) is not None]
    if len(members) == 1:
        return members[0]
    if not members:
        raise DataError(f"{archive}: there is no table in this archive; unpack it, and give the file. {_KNOWN}.")
    shown = ", ".join(path.relative_to(archive).as_posix() for path in members[:8])
    raise DataError(f"{archive}: the archive holds several tables ({shown}). Name one, such as {members[0]}.")


def get_kind(path: Path) -> str | None:
    """What a file's name says of its kind, such as .csv, also of a compressed one; None where it says nothing."""
    kinds = [suffix.lower() for suffix in path.suffixes]
    packed = len(kinds) > 1 and kinds[-1] in PACKED
    kind = kinds[-2] if packed else (kinds[-1] if kinds else "")
    if kind in (".parquet", *ARROW_KINDS):
        return None if packed else kind
    return kind if kind in (*JSON_KINDS, *SEPARATORS) else None


def _is_hidden(file: Path, folder: Path) -> bool:
    """Whether a file is one that programs leave beside tables, such as _SUCCESS and .part-0.crc."""
    return any(part.startswith((".", "_")) for part in file.relative_to(folder).parts)


def _read_file(path: Path, form: TableFormat, on_error: OnError) -> pl.DataFrame:
    """One file. What seems wrong with a line of a damaged file is not said: the damage is."""
    kind = get_kind(path)
    try:
        return _read_kind(path, kind, form, on_error)
    except DataError:
        if kind is not None and is_damaged(path):
            raise make_damage_error(path, kind[1:]) from None
        raise


def _read_kind(path: Path, kind: str | None, form: TableFormat, on_error: OnError) -> pl.DataFrame:
    if kind in (".parquet", *ARROW_KINDS) and not path.is_file():
        raise DataError(f"{path}: tables of kind {kind[1:]} are not read out of an archive; unpack it.")
    if kind is None and form.separator is None:
        raise DataError(
            f"{path}: not a known kind of table. {_KNOWN}; or say what stands between its fields under `separator` "
            "(`thinkrec check FILE` finds it)."
        )
    if kind == ".parquet":
        try:
            return pl.read_parquet(path)
        except (pl.exceptions.PolarsError, OSError) as error:
            raise make_damage_error(path, "parquet", error) from error
    if kind in ARROW_KINDS:
        return _read_arrow(path)
    if kind in JSON_KINDS:
        return read_jsonl(path, form.encoding, on_error=on_error)
    df = read_delimited(path, kind[1:] if kind else "separated text", form, on_error=on_error)
    return _drop_repeated_headers(df, str(path)) if form.header else df


def _drop_repeated_headers(df: pl.DataFrame, source: str) -> pl.DataFrame:
    """The rows without those that say the names of the columns again, as joined files have them; says which."""
    if not df.width or not df.height:
        return df
    names = [name for name in df.columns if not name.startswith("column_")] or df.columns
    # Looked at one after the other, so that a large table is read once. A mark for UTF-8 may stand before the first.
    mask = (df[names[0]] == names[0]) | (df[names[0]] == f"\ufeff{names[0]}")
    rows = mask.fill_null(False).arg_true()
    if not len(rows):
        return df
    same = df[rows.to_list()].select(pl.all_horizontal(pl.col(name) == name for name in names[1:])).to_series()
    rows = rows.filter(same.fill_null(False)) if len(names) > 1 else rows
    if not len(rows):
        return df
    first = name_rows(rows[:1].to_list(), df.height, source)[0]
    emit_warning(
        f"{source}: {format_count(len(rows), 'line repeats', 'lines repeat')} the names of the columns (the first: "
        f"{first}) and {choose_form(len(rows), 'is', 'are')} left out."
    )
    stays = ~pl.int_range(df.height, eager=True).is_in(rows.cast(pl.Int64).implode())
    keep_rows(source, stays)
    return df.filter(stays)


def _read_arrow(path: Path) -> pl.DataFrame:
    """An Arrow file, or a stream, as Hugging Face's `datasets` writes it."""
    try:
        return pl.read_ipc(path)
    except (pl.exceptions.PolarsError, OSError):
        try:
            return pl.read_ipc_stream(path)
        except (pl.exceptions.PolarsError, OSError) as error:
            raise make_damage_error(path, "arrow", error) from error


def _join_frames(frames: list[pl.DataFrame], files: list[Path], path: str | Path) -> pl.DataFrame:
    """The rows of several files one after the other. Raises DataError where a column has several types."""
    names = list(dict.fromkeys(name for frame in frames for name in frame.columns))
    shared = [name for name in names if all(name in frame.columns for frame in frames)]
    if 2 * len(shared) < min(frame.width for frame in frames):
        shown = "; ".join(
            f"{file.name} has {', '.join(df.columns[:6])}" for df, file in zip(frames[:3], files[:3], strict=True)
        )
        raise DataError(
            f"{path}: its {len(files)} files are no parts of one table ({shown}). Name one file; `thinkrec check "
            f"{path}` says what each of them is."
        )
    for name in names:
        lacking = [file.name for frame, file in zip(frames, files, strict=True) if name not in frame.columns]
        if lacking:
            emit_warning(
                f"{path}: column '{name}' is missing in {len(lacking):,} of {format_count(len(files), 'file')} (the "
                f"first: {lacking[0]}); it counts as empty there."
            )
    try:
        return pl.concat(frames, how="diagonal_relaxed")
    except pl.exceptions.PolarsError as error:
        raise DataError(
            f"{path}: its {len(files)} files do not fit together: a column has several types ({error}). "
            "Write them with one type each."
        ) from error
