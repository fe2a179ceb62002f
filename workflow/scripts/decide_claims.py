"""Decide the claims of a study from its tables."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sgdphysics.claims import counts, verdicts, words
from sgdphysics.claims.outcomes import IN_PART
from sgdphysics.files import write_atomically
from sgdphysics.provenance import jobs
from sgdphysics.tables import load_table, save_table

LINE = "{:<28}{:<28}{:<17}{:<10}{:<38}{}"


def decide(
    entries: Sequence[Mapping[str, Any]], table_paths: Sequence[Path], scale: str, study: str, outputs: Mapping[str, Path]
) -> None:
    """Write the ledger, one row per test, and a short text for the terminal."""
    tables = {path.stem: load_table(path) for path in table_paths}
    ledger, tests = verdicts.decide(entries, tables, scale)
    save_table(outputs["claims"], ledger)
    save_table(outputs["tests"], tests)
    write_atomically(outputs["summary"], lambda path: path.write_text(summary(ledger, tests, study), encoding="utf-8"))


def summary(ledger: pd.DataFrame, tests: pd.DataFrame, study: str) -> str:
    """The ledger in a few lines, and where to look further."""
    lines = [f"Claims of study {study}", "", LINE.format("claim", "verdict", "as published", "specific", "first test", "against")]
    for _, claim in ledger.iterrows():
        first = tests[(tests["claim"] == claim["claim"]) & tests["primary"]].iloc[0]
        told = (claim["claim"], claim["verdict"], claim["as_published"], claim["specific"], _estimate(claim), first["region"])
        lines.append(LINE.format(*told).rstrip())
        if reason := claim["because"] if claim["verdict"] in IN_PART.values() else claim["open_because"]:
            lines.append(f"{'':<28}because {reason}")
    lines += [
        "",
        "Empirical claims by verdict and by where they are stated",
        counts.by_source(ledger).to_string(),
        *map(words.as_sentence, counts.notes(ledger)),
        "",
        f"Report: results/{study}/report/index.html  Figures: figures/{study}/  Tables: results/{study}/tables/",
    ]
    return "\n".join(lines) + "\n"


def _estimate(claim: pd.Series) -> str:
    """The value of a claim with its interval and the number of seeds, as far as there are any."""
    if not np.isfinite(claim["value"]):
        return "no value"
    ends = f" [{claim['ci_low']:.3g}, {claim['ci_high']:.3g}]" if np.isfinite(claim["ci_high"] - claim["ci_low"]) else ""
    return f"{claim['value']:.3g}{ends}" + (f", n = {claim['n_seeds']}" if claim["n_seeds"] else "")


if __name__ == "__main__":
    with jobs.logged_job(snakemake):
        decide(
            snakemake.params.claims,
            [Path(path) for path in snakemake.input.tables],
            snakemake.params.scale,
            snakemake.wildcards.study,
            {name: Path(snakemake.output[name]) for name in ("claims", "tests", "summary")},
        )
