"""Tables of a study's findings in Markdown, for README.md: each below a marker such as ``<!-- verdicts -->``.

They are computed from the tables of the study, so that no number of a finding is typed by hand.
"""

import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from sgdphysics.claims import counts, words
from sgdphysics.errors import InputError
from sgdphysics.report import story
from sgdphysics.report.seed_means import Interval, means
from sgdphysics.report.text import with_minus
from sgdphysics.tables import load_table

EXPONENTS = {
    "in_sample": "(a) in sample, the drift left out",
    "held_out": "(b) held out: directions from one window, variances from the next",
    "hessian": "(c) along the Hessian's eigenvectors",
    "frozen_noise": "(d) in sample, frozen noise",
    "noise_held_out": "beside (b): frozen noise, held out",
    "noise_hessian": "beside (c): frozen noise, along the Hessian's eigenvectors",
    "linear_theory": "(e) linear theory, same window and draws",
    "linear_theory_stationary": "(e) linear theory, stationary",
}
PUBLISHED = {"sgd": "in sample, by the published protocol", "frozen_noise": "the same of frozen noise"}
RUNGS = {
    "isotropic": "isotropic walk",
    "rotated_noise": "noise of SGD, its directions at random",
    "frozen_noise": "frozen noise",
    "linear_sgd": "linear SGD",
    "sgd": "SGD",
    "linear_theory": "linear theory",
}
BASES = {"principal": "in sample", "held_out": "held out", "hessian": "Hessian"}


def blocks(results: Path) -> dict[str, str]:
    """Return the tables of a study by their marker: "counts", "beside the counts", "verdicts", "exponents", "ladder" and "slopes".

    Args:
        results: The folder of its results.

    Raises:
        InputError: If the study has not been finished by this version.
    """
    ledger, tests = (load_table(_there(results / name)) for name in ("claims.csv", "claim_tests.csv"))
    if "as_published" not in ledger:
        raise InputError(f"{results}: a first edition, whose claims have one answer; expected a study decided by this version")
    tables = {name: load_table(_there(results / "tables" / f"{name}.csv")) for name in _TABLES}
    return {
        "counts": _counts(ledger),
        "beside the counts": " ".join(map(words.as_sentence, counts.notes(ledger))),
        "verdicts": _verdicts(ledger, tests),
        "exponents": _exponents(tables["feng2021_fig2_exponents"], tables["feng2021_published"]),
        "ladder": _ladder(tables["feng2021_ladder"]),
        "slopes": _slopes(tables["yang2023_fig2_slopes"], tables["yang2023_fig2_grid_slopes"]),
    }


_TABLES = ("feng2021_fig2_exponents", "feng2021_published", "feng2021_ladder", "yang2023_fig2_slopes", "yang2023_fig2_grid_slopes")


def written(text: str, tables: Mapping[str, str]) -> str:
    """Return a text with the tables below its markers, in place of the paragraph or table there.

    Raises:
        InputError: If it lacks a marker, or has one more than once.
    """
    for name, table in tables.items():
        # As far as a blank line, a heading, another marker or the border of a block of code.
        marker = re.compile(rf"^(<!-- {re.escape(name)} -->\n)(?:(?!#|<!--|```).+\n?)*", re.MULTILINE)
        places = len(marker.findall(text))
        if places != 1:
            raise InputError(f"found {places or 'no'} line{'s' * (places > 1)} <!-- {name} -->, below which the table belongs")
        text = marker.sub(lambda found, table=table: f"{found[1]}{table}\n", text)
    return text


def _there(path: Path) -> Path:
    if not path.is_file():
        raise InputError(f"{path}: not found; run the study first")
    return path


def _markdown(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in lines)


def _counts(ledger: pd.DataFrame) -> str:
    counted = counts.by_source(ledger)
    rows = [[word, *(count or "–" for count in row)] for word, row in zip(counted.index, counted.to_numpy(), strict=True)]
    return _markdown(["verdict", *counted.columns], rows)


def _verdicts(ledger: pd.DataFrame, tests: pd.DataFrame) -> str:
    head = ["claim", "source", "verdict", "as published", "specific", "first test, where it is least in favour", "decided by"]
    rows = []
    for _, claim in ledger.iterrows():
        of_claim = tests[(tests["claim"] == claim["claim"]) & tests["primary"].astype(bool)]
        if len(of_claim) != 1:
            raise InputError(f"claim_tests.csv: found {len(of_claim)} first tests of {claim['claim']}, expected 1")
        first = of_claim.iloc[0]
        found = f"{story.estimate(first)}, wanted {with_minus(first['region'])}"
        answers = [claim["as_published"], claim["specific"].replace("-", "–")]
        rows.append([f"`{claim['claim']}`", claim["source"], f"**{claim['verdict']}**", *answers, found, claim["because"]])
    return _markdown(head, rows)


def _exponents(table: pd.DataFrame, by_protocol: pd.DataFrame) -> str:
    rows = table[table["reference"] & (table["window"] == "main") & (table["status"] == "converged")]
    published = by_protocol[(by_protocol["protocol"] == "published") & (by_protocol["status"] == "converged")]
    found = means(published, "exponent", "source", PUBLISHED) | means(rows, "exponent", "kind", EXPONENTS)
    return _markdown(["exponent", "mean [95 % interval over seeds]"], [[name, str(value)] for name, value in found.items()])


def _ladder(table: pd.DataFrame) -> str:
    rows = table[table["reference"] & (table["status"] == "converged") & (table["ranks"] == "all")]
    rows = rows[rows["detrending_order"] == 1]
    cells = {(basis, key): means(rows[rows["basis"] == basis], key, "rung", RUNGS) for key in ("exponent", "r") for basis in BASES}
    head = ["rung", *(f"{'ψ' if key == 'exponent' else 'r'}, {BASES[basis]}" for basis, key in cells)]
    return _markdown(head, [[name, *(_short(found[name]) for found in cells.values())] for name in RUNGS.values()])


def _short(value: Interval) -> str:
    return str(value) if value.known else "–"


def _to_thousandths(value: float | None) -> str:
    return with_minus(f"{value:.3f}") if value is not None and math.isfinite(value) else "–"


def _slopes(simulated: pd.DataFrame, grid: pd.DataFrame) -> str:
    simulated = simulated[simulated["deciding"] & (simulated["start"] == "both")]
    grid = grid[grid["deciding"]].set_index("kappa")["joint_slope"]
    rows = [
        [f"{kappa:g}", with_minus(f"{1 - kappa:.3f}"), _to_thousandths(grid.get(kappa)), str(Interval.of(part["joint_slope"]))]
        for kappa, part in simulated.groupby("kappa")
    ]
    return _markdown(["kappa", "theory", "grid", "simulation [95 % interval over seeds]"], rows)
