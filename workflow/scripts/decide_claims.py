"""Decide the claims of a study from its tables."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sgdphysics.claims import verdicts
from sgdphysics.files import write_atomically
from sgdphysics.provenance import jobs
from sgdphysics.tables import load_table, save_table


def decide(
    entries: Sequence[Mapping[str, Any]], table_paths: Sequence[Path], scale: str, study: str, outputs: Mapping[str, Path]
) -> None:
    """Write the ledger, one row per test, and a short text for the terminal.

    Where outputs are there already they are those of a published study: a claim one of whose tables is not kept stays as it is.
    """
    tables = {path.stem: load_table(path) for path in table_paths}
    published = outputs["claims"].exists() and outputs["tests"].exists()
    before = (load_table(outputs["claims"]), load_table(outputs["tests"])) if published else None
    ledger, tests = verdicts.decide(entries, tables, scale, before)
    save_table(outputs["claims"], ledger)
    save_table(outputs["tests"], tests)
    write_atomically(outputs["summary"], lambda path: path.write_text(summary(ledger, tests, study), encoding="utf-8"))


def summary(ledger: pd.DataFrame, tests: pd.DataFrame, study: str) -> str:
    """The ledger in a few lines, and where to look further."""
    lines = [f"Claims of study {study}", ""]
    lines.append(f"{'claim':<28}{'verdict':<16}{'primary test: value [95 % interval over seeds]':<48}against")
    for _, claim in ledger.iterrows():
        primary = tests[(tests["claim"] == claim["claim"]) & tests["primary"]].iloc[0]
        lines.append(f"{claim['claim']:<28}{claim['verdict']:<16}{_estimate(claim):<48}{primary['region']}")
        if claim["open_because"]:
            lines.append(f"{'':<28}because {claim['open_because']}")
    held = ledger[ledger["verdict"] == "replicated"].groupby("kind").size()
    counts = [f"{held.get(kind, 0)} of {count} {kind} claims replicated" for kind, count in ledger.groupby("kind").size().items()]
    lines += [
        "",
        "; ".join(counts) + " (an identity holds by algebra and is only checked)",
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
