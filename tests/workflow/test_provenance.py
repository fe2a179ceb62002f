"""The record of the smoke study: a valid crate of what ran, and an audit that names exactly what was tampered with."""

import itertools
import json
import os
import shutil
import subprocess
import sys

import pytest
import yaml

import crate_validation
import tampering
from running import ROOT
from tampering import MANIFEST, PAGE, RECORD

KINDS = {
    "data": "data/mnist5k.safetensors",
    "trained weights": "results/runs/*/*.safetensors",
    "measurement": "results/smoke/measure/*/*/flatness.csv",
    "table": "results/smoke/tables/feng2021_fig2.csv",
    "figure": "figures/smoke/feng2023_fig2.pdf",
    "ledger": "results/smoke/claims.csv",
    "notebook page": "results/smoke/report/yang2023.html",
    "settings copy": "results/smoke/provenance/settings.yaml",
    "notes": "results/smoke/provenance/README.md",
    "library code": "workflow/lib/sgdphysics/landscape.py",
    "script": "workflow/scripts/train_ensemble.py",
    "caption": "workflow/report/feng2021_fig2.rst",
    "style of the page": "workflow/report/report.css",
    "rules": "workflow/rules/train.smk",
    "workflow": "Snakefile",
    "settings": "config/smoke.yaml",
    "versions": "uv.lock",
    "report page": PAGE,
    "manifest": MANIFEST,
}


@pytest.fixture(scope="module")
def folder(smoke_copy):
    return smoke_copy


@pytest.fixture(scope="module")
def sources(folder):
    return tampering.made_from(folder)


@pytest.fixture(scope="module")
def crate(folder):
    return json.loads((folder / RECORD).read_text())


def audit(folder, *arguments):
    command = [sys.executable, "-m", "sgdphysics.command_line", "audit", *arguments]
    library = {**os.environ, "PYTHONPATH": str(folder / "workflow" / "lib")}
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False, env=library)


def test_an_audit_of_everything_finds_all_intact(folder):
    run = audit(folder, "--all")
    assert run.returncode == 0, run.stdout + run.stderr


def test_the_crate_has_all_that_is_required_and_recommended_but_for_two_exceptions(folder, crate, tmp_path):
    assert not crate_validation.terms_without_meaning(crate)
    found = crate_validation.failed_checks((folder / RECORD).parent, tmp_path / "contexts")
    assert found == dict.fromkeys(crate_validation.EXCEPTIONS, "RECOMMENDED")


def test_the_crate_knows_every_file_that_snakemake_used_or_made(folder, sources, crate):
    names = [entity["@id"] for entity in crate["@graph"] if "sha256" in entity and entity["@type"] != "SoftwareApplication"]
    outside = "../../../"
    known = {name.removeprefix(outside) if name.startswith(outside) else f"results/smoke/provenance/{name}" for name in names}
    assert tampering.behind(sources, RECORD) == known | {RECORD}
    assert tampering.behind(sources, PAGE) - known == {PAGE, RECORD}


def test_every_job_has_its_settings_seeds_time_and_memory(crate):
    entities = {entity["@id"]: entity for entity in crate["@graph"]}
    jobs = [entity for name, entity in entities.items() if name.startswith("#job/") and entity["@type"] == "CreateAction"]
    seeds = set(yaml.safe_load((ROOT / "config" / "config.yaml").read_text())["studies"]["mnist5k"]["feng2021"]["seeds"])
    trained = []
    for job in jobs:
        usage = {entities[entry["@id"]]["name"]: entities[entry["@id"]]["value"] for entry in job["resourceUsage"]}
        assert float(usage["wallTime"]) >= 0
        assert int(usage["peakMemory"]) > 10_000_000
        parameters = {
            entities[entry["@id"]]["name"]: entities[entry["@id"]]["value"] for entry in job["object"] if "#" in entry["@id"]
        }
        if job["name"] == "Job of rule train_ensemble":
            trained.append(set(json.loads(parameters["seeds"])))
        environment = {entities[entry["@id"]]["name"]: entities[entry["@id"]]["value"] for entry in job["environment"]}
        assert {"python", "machine", "packages", "threads"} <= environment.keys()
    assert trained
    assert all(seeds <= found for found in trained)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("how", ["changed", "deleted"])
def test_a_tampered_file_and_its_descendants_are_named_and_nothing_else(folder, sources, kind, how):
    path = min(folder.glob(KINDS[kind]))
    name = path.relative_to(folder).as_posix()
    with tampering.restored(path):
        tampering.change_a_byte(path) if how == "changed" else path.unlink()
        code, found = tampering.states(folder)
    wide = kind == "settings" and how == "deleted"
    if kind == "manifest":
        both = tampering.expected_of_changed_manifest(sources), tampering.expected_without_manifest(sources, set())
        assert found == both[how == "deleted"]
    else:
        assert found == (tampering.expected_without_settings if wide else tampering.expected)(sources, {name})
    assert code == 1
    assert tampering.states(folder) == (0, {})


def test_a_tampered_record_makes_everything_unknown(folder, sources):
    path = folder / RECORD
    with tampering.restored(path):
        path.write_bytes(path.read_bytes().replace(b'"Study smoke"', b'"Study smokf"'))
        assert tampering.states(folder) == (1, tampering.expected_of_changed_record(sources))
        path.write_bytes(path.read_bytes()[:-100])
        assert tampering.states(folder) == (1, {RECORD: "tampered"})
    assert tampering.states(folder) == (0, {})


def test_the_chain_of_a_figure_holds_all_data_and_results_behind_it(folder, sources):
    figure = "figures/smoke/feng2021_fig2.pdf"
    told = json.loads(audit(folder, figure, "--json").stdout)["files"]
    everything = tampering.behind(sources, figure)
    results = {name for name in everything if not name.startswith("workflow/")}
    scripts = {name for name in everything if name.startswith("workflow/scripts/")}
    assert set(told) == results | scripts
    for name in results:
        assert set(told[name]["made_from"]) == sources.get(name, set())


def test_the_same_answer_in_another_folder_without_snakemakes_records_and_with_other_times(folder, tmp_path):
    copy = tmp_path / "élsewhere"
    kept = shutil.ignore_patterns(".snakemake", "logs", "benchmarks", "*.log", "*.job.json")
    shutil.copytree(folder, copy, ignore=kept, copy_function=shutil.copyfile)
    assert tampering.states(copy) == (0, {})
    for path in itertools.islice(sorted((copy / "figures").rglob("*.pdf")), 2):
        tampering.change_a_byte(path)
    assert sorted(tampering.states(copy)[1].values()).count("tampered") == 2
