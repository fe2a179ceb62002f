"""Two studies side by side: the results of two machines, or of two versions of the code.

Compared are the verdicts, the tests of the claims, every table and every PNG figure. Not compared are PDF figures, notebooks, the
report (HTML), logs and benchmarks: they hold times and identifiers, or show what the tables and PNG figures hold already.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from sgdphysics.errors import InputError, one_line
from sgdphysics.provenance.image_differences import between_figures

# In the order in which differences are told; the first two are files, the others folders.
KINDS = ("claims.csv", "claim_tests.csv", "tables", "figures")
# Rows of these files have names: one claim more in one version must not set every later row against another one.
ROW_NAMES = {"claims.csv": ["claim"], "claim_tests.csv": ["claim", "test"]}
# Tolerance of 9 x 9 pixels of a figure, in levels. Where the numbers of our tables differ by 1e-6, no part of a figure differs by
# more than 5; where a text or line is set to the next pixel, by 140 at most (all figures, moved aside and down by one). A black
# spot of this size on white differs by 255; one of 28 pixels, by 150.
IMAGE_LOCAL = 150.0
# How a CSV file writes a number that is not there.
MISSING = ("", "nan", "NaN")


@dataclass(frozen=True)
class Tolerances:
    """How far results may differ; see `compare`."""

    relative: float = 1e-6
    absolute: float = 1e-12
    image_rms: float = 2.0
    image_local: float = IMAGE_LOCAL


@dataclass(frozen=True)
class Difference:
    """One difference between two studies.

    ``file`` is relative to the study, such as "tables/feng2021_fig2.csv"; ``what`` says in one line what differs, values of the
    first study first. Rows are counted from 1, below the header.
    """

    file: str
    what: str

    def __str__(self) -> str:
        return f"{self.file}: {self.what}"


def compare(
    study_a: Path,
    study_b: Path,
    relative: float = 1e-6,
    absolute: float = 1e-12,
    image_rms: float = 2.0,
    image_local: float = IMAGE_LOCAL,
) -> list[Difference]:
    """All differences between two studies: first of claims, then of tables, then of figures; none if the list is empty.

    Tables are alike if they have the same columns (in any order) and as many rows, the same texts, and numbers a, b with
    |a - b| <= absolute + relative max(|a|, |b|). Missing numbers equal each other, infinite ones those of the same sign. Figures
    are alike if they have the same size, and the root mean square difference of their levels is not above ``image_rms``, nor, over
    any 9 x 9 pixels, above ``image_local``.

    Args:
        study_a, study_b: Folders ``<project>/results/<study>``; the figures are taken from ``<project>/figures/<study>``.
        relative, absolute: The tolerances of numbers in tables.
        image_rms: The tolerance of figures, in levels from 0 to 255.
        image_local: The tolerance of any part of a figure; as `IMAGE_LOCAL` by default.

    Raises:
        InputError: If a folder is not a study, or if a table or figure that both have cannot be read, or a figure is too large.
    """
    tolerances = Tolerances(relative, absolute, image_rms, image_local)
    first, second = _files(Path(study_a)), _files(Path(study_b))
    differences = []
    for file in sorted(first | second, key=lambda file: (KINDS.index(file.split("/")[0]), file)):
        if file not in second:
            what_differs = iter(["only in the first study"])
        elif file not in first:
            what_differs = iter(["only in the second study"])
        else:
            what_differs = between_files(file, first[file], second[file], tolerances)
        differences += [Difference(file, what) for what in what_differs]
    return differences


def between_files(file: str, path_a: Path, path_b: Path, tolerances: Tolerances) -> Iterator[str]:
    """Yield what differs between two tables, or two figures in PNG, of this name in a study; see `compare`."""
    if file.endswith(".png"):
        return between_figures(path_a, path_b, tolerances.image_rms, tolerances.image_local)
    return _between_tables(file, path_a, path_b, tolerances.relative, tolerances.absolute)


def _files(study: Path) -> dict[str, Path]:
    # Not Path.resolve: a folder of results may be a link to another disk, and the figures are beside the link.
    study = Path(os.path.abspath(study))  # noqa: PTH100
    # No hidden files: a writer that was killed leaves one.
    paths = [*(study / name for name in ROW_NAMES), *study.glob("tables/[!.]*.csv")]
    files = {path.relative_to(study).as_posix(): path for path in paths if path.is_file()}
    if not files.keys() - {"claim_tests.csv"}:
        raise InputError(f"{study}: not the results of a study (no claims.csv and no tables)")
    figures = study.parent.parent / "figures" / study.name
    return files | {f"figures/{path.name}": path for path in figures.glob("[!.]*.png") if path.is_file()}


def _between_tables(file: str, path_a: Path, path_b: Path, relative: float, absolute: float) -> Iterator[str]:
    table_a, table_b = _name_rows([_read_table(path_a), _read_table(path_b)], ROW_NAMES.get(file, []))
    named = not isinstance(table_a.index, pd.RangeIndex)
    common = table_a.index.intersection(table_b.index, sort=False)
    columns = [name for name in table_a if name in table_b]
    if file == "claims.csv" and named and "verdict" in columns:
        columns.remove("verdict")
        for claim in common:
            verdicts = table_a.loc[claim, "verdict"], table_b.loc[claim, "verdict"]
            if verdicts[0] != verdicts[1]:
                yield f"{claim}: {verdicts[0] or 'no verdict'} and {verdicts[1] or 'no verdict'}"
    if named:
        yield from _only_in_one("", table_a.index, table_b.index)
    yield from _only_in_one("column ", table_a.columns, table_b.columns)
    if not named and len(table_a) != len(table_b):
        # Which rows belong together is not known, so cells are not compared.
        yield f"{len(table_a)} and {len(table_b)} rows"
        return
    for name in columns:
        for what in _between_columns(table_a.loc[common, name], table_b.loc[common, name], relative, absolute):
            yield f"column {name}: {what}"


def _read_table(path: Path) -> pd.DataFrame:
    """All cells as the texts that they are in the file."""
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8")
    except (OSError, pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        # The parser's messages end with a line break.
        raise InputError(f"{path}: not a readable table ({one_line(error)})") from None
    if not isinstance(table.index, pd.RangeIndex):
        # Then pandas takes the first column for names of rows, and every column has the cells of the next.
        raise InputError(f"{path}: not a readable table (rows are longer than the header)")
    return table.astype(object)


def _name_rows(tables: Sequence[pd.DataFrame], names: list[str]) -> Sequence[pd.DataFrame]:
    """The tables with rows indexed by the columns ``names``, or as they are if these do not tell all rows apart."""
    if not names or any(not set(names) <= set(table) or table.duplicated(names).any() for table in tables):
        return tables
    return [
        table.set_axis([", ".join(f"{name} {row[name]}" for name in names) for row in table.to_dict("records")]) for table in tables
    ]


def _only_in_one(prefix: str, names_a: Sequence[str], names_b: Sequence[str]) -> Iterator[str]:
    for name in names_a:
        if name not in names_b:
            yield f"{prefix}{name}: only in the first study"
    for name in names_b:
        if name not in names_a:
            yield f"{prefix}{name}: only in the second study"


def _between_columns(texts_a: pd.Series, texts_b: pd.Series, relative: float, absolute: float) -> Iterator[str]:
    # Most cells of most studies have the same text, and need not be read as numbers.
    unequal = np.flatnonzero(texts_a.to_numpy() != texts_b.to_numpy())
    if not len(unequal):
        return
    total = len(texts_a)
    texts_a, texts_b = texts_a.iloc[unequal], texts_b.iloc[unequal]
    numbers_a, numbers_b = _numbers(texts_a), _numbers(texts_b)
    is_text = _is_text(texts_a, numbers_a) | _is_text(texts_b, numbers_b)
    differs = ~is_text & ~_close(numbers_a, numbers_b, relative, absolute)
    if differs.any():
        sizes = np.where(differs, _relative_differences(numbers_a, numbers_b), -1)
        # NaN, a number against none or an infinite one, counts as the largest.
        most = int(sizes.argmax())
        pair = _number_pair(texts_a.iloc[most], texts_b.iloc[most])
        size = f" (relative {sizes[most]:.2g})" if np.isfinite(sizes[most]) else ""
        yield f"{differs.sum()} of {total} numbers differ, most in {_row(texts_a.index[most])}: {pair}{size}"
    if is_text.any():
        where = int(is_text.argmax())
        pair = f"{_quoted(texts_a.iloc[where])} and {_quoted(texts_b.iloc[where])}"
        yield f"{is_text.sum()} of {total} texts differ, first in {_row(texts_a.index[where])}: {pair}"


def _numbers(texts: pd.Series) -> np.ndarray:
    """The texts as float64, NaN where one is missing or not a number."""
    return pd.to_numeric(texts, errors="coerce").to_numpy(float)


def _is_text(texts: pd.Series, numbers: np.ndarray) -> np.ndarray:
    return np.isnan(numbers) & ~texts.isin(MISSING).to_numpy()


def _close(a: np.ndarray, b: np.ndarray, relative: float, absolute: float) -> np.ndarray:
    # Beside an infinite number every tolerance is infinite: these must be equal.
    with np.errstate(invalid="ignore", over="ignore"):
        near = np.abs(a - b) <= absolute + relative * np.maximum(np.abs(a), np.abs(b))
    return (a == b) | (np.isnan(a) & np.isnan(b)) | (np.isfinite(a) & np.isfinite(b) & near)


def _relative_differences(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """|a - b| / max(|a|, |b|), and NaN where one of the two is missing or infinite."""
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        return np.abs(a - b) / np.maximum(np.abs(a), np.abs(b))


def _row(name: int | str) -> str:
    return name if isinstance(name, str) else f"row {name + 1}"


def _number_pair(text_a: str, text_b: str) -> str:
    """Two numbers in six digits, or in all that the files have if six do not tell them apart."""
    short = [text if text in MISSING else f"{float(text):.6g}" for text in (text_a, text_b)]
    texts = short if short[0] != short[1] else (text_a, text_b)
    return " and ".join("nothing" if text in MISSING else text for text in texts)


def _quoted(text: str) -> str:
    return repr(text) if text else "nothing"
