"""A study with settings that diverge, from a finished smoke study."""

import shutil

import pandas as pd
import yaml

from running import snakemake
from same_bytes import SMOKE


def test_settings_that_diverge_are_shown_and_leave_their_claims_open(smoke_study, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(smoke_study, folder)  # what does not change need not run again
    (folder / "diverging.yaml").write_text(
        "studies: {smoke: {feng2021: {images_per_class: 30, learning_rates: [0.1, 1.0e+20], batch_sizes: [20],"
        " reference: {learning_rate: 1.0e+20}}, feng2023: {learning_rate: 1.0e+20}}}\n"
    )
    run = snakemake(*SMOKE, "diverging.yaml", folder=folder)
    assert run.returncode == 0, run.stderr[-3000:]
    results = folder / "results" / "smoke"
    figures = [path.stem for path in (smoke_study / "figures" / "smoke").glob("*.png")]
    assert figures
    runs = pd.read_csv(results / "tables" / "feng2021_runs.csv")
    assert set(runs.loc[runs["reference"], "status"]) == {"diverged"}
    assert runs.loc[runs["reference"], "diverged_step"].notna().all()
    assert set(runs.loc[~runs["reference"], "status"]) == {"converged"}
    points = pd.read_csv(results / "tables" / "feng2023_points.csv")
    assert set(points.loc[points["reference"], "status"]) == {"diverged"}
    assert points.loc[points["reference"], "gap"].isna().all()
    ledger = pd.read_csv(results / "claims.csv").set_index("claim")
    asked = yaml.safe_load((folder / "config" / "claims.yaml").read_text())["claims"]
    # A claim that asks every setting may say something of the one that converged.
    at_reference = [
        entry["id"]
        for entry in asked
        if entry["paper"] == "feng2021" and all(test.get("scope") != "every_setting" for test in entry["tests"])
    ]
    assert {"drift_is_pc1", "not_einstein"} <= set(at_reference)
    assert set(ledger.loc[at_reference, "verdict"]) == {"open"}
    assert ledger.loc[at_reference, "open_because"].str.contains("diverged").all()
    assert not {"holds", "checked", "reproduced"} & set(ledger.loc[ledger["paper"] == "feng2023", "verdict"])
    assert set(pd.read_csv(results / "tables" / "feng2021_fig2_exponents.csv")["learning_rate"]) == {0.1}
    assert all((folder / "figures" / "smoke" / f"{figure}.png").is_file() for figure in figures)
