"""The workflow itself, run by a user in whose environment all is set that could reach a result or stop a job."""

import runpy

import pytest

import hostile_environment
from running import ROOT, copy_of_checkout, snakemake
from sgdphysics.report import style

FIGURE = "figures/mnist/feng2021_fig4.png"


@pytest.mark.skipif(not (ROOT / FIGURE).exists(), reason="this copy has no published results")
def test_a_figure_has_the_bytes_of_a_clean_environment(tmp_path):
    folder = tmp_path / "clone"
    folder.mkdir()
    copy_of_checkout(folder, published=True)
    (folder / FIGURE).unlink()
    # Of Snakemake itself: it is not to wait for what is typed at its end, and needs one folder of a user to keep files in.
    own = {"HOME": "/proc/nowhere", "PYTHONINSPECT": ""}
    environment = hostile_environment.clean() | hostile_environment.plant(tmp_path / "home", folder) | own
    run = snakemake(FIGURE, "--configfile", "config/mnist.yaml", folder=folder, environment=environment)
    assert run.returncode == 0, run.stderr[-3000:]
    script = runpy.run_path(str(ROOT / "workflow" / "scripts" / "figures" / "feng2021_fig4.py"), run_name="script")
    tables = {name: f"feng2021_{table}" for name, table in {"directions": "fig2", "annealing": "fig4"}.items()}
    inputs = {name: ROOT / "results" / "mnist" / "tables" / f"{table}.csv" for name, table in tables.items()}
    style.make_figure(script["draw"], script["TABLES"], inputs, [tmp_path / "clean.png"])
    assert (folder / FIGURE).read_bytes() == (tmp_path / "clean.png").read_bytes()


def test_a_matplotlibrc_that_cannot_be_read_is_one_line_before_any_job(clone, tmp_path):
    (clone / "matplotlibrc").write_bytes(b"\xff")
    try:
        run = snakemake("-n", folder=clone)
    finally:
        (clone / "matplotlibrc").unlink()
    assert run.returncode != 0
    (line,) = [line for line in run.stderr.splitlines() if "matplotlibrc" in line]
    assert line.startswith("matplotlibrc: found what cannot be read ('utf-8' codec can't decode byte 0xff")
    assert "Traceback" not in run.stderr
