"""The workflow itself, run by a user in whose environment all is set that could reach a result or stop a job."""

import os
import py_compile
import runpy

import pytest

import hostile_environment
from running import ROOT, copy_of_checkout, snakemake
from sgdphysics.report import style

FIGURE = "figures/mnist/feng2021_fig4.png"


@pytest.mark.skipif(not (ROOT / FIGURE).exists(), reason="this copy has no published results")
def test_a_figure_has_the_bytes_of_a_clean_environment(tmp_path):
    """And neither bytecode of other sources runs, in jobs or where they are planned, nor a module beside their scripts."""
    folder = tmp_path / "clone"
    folder.mkdir()
    copy_of_checkout(folder, published=True)
    (folder / FIGURE).unlink()
    for name in ("__init__", "study/studies", "report/style", "provenance/jobs"):
        make_stale(folder / "workflow" / "lib" / "sgdphysics" / f"{name}.py")
    scripts = folder / ".snakemake" / "scripts"
    scripts.mkdir(parents=True)
    for name in hostile_environment.SHADOWS:
        (scripts / f"{name}.py").write_text(hostile_environment.ENDS, encoding="utf-8")
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


def make_stale(source):
    """Have a source with bytecode of another one, which ends whatever runs it, of equal size and time."""
    text, times = source.read_bytes(), (source.stat().st_atime_ns, source.stat().st_mtime_ns)
    for content in (hostile_environment.ENDS.encode().ljust(len(text), b"#"), text):
        source.write_bytes(content)
        os.utime(source, ns=times)
        if content != text:
            py_compile.compile(str(source), doraise=True)


@pytest.mark.parametrize("name", ["sitecustomize.py", "numpy.py", "planted.pth", "numpy-9.dist-info/METADATA"])
def test_what_python_would_load_beside_the_library_is_one_line_before_any_job(clone, name):
    library = clone / "workflow" / "lib"
    planted = library / name
    planted.parent.mkdir(exist_ok=True)
    planted.write_text("")
    try:
        run = snakemake("-n", folder=clone)
    finally:
        planted.unlink()
        if planted.parent != library:
            planted.parent.rmdir()
    assert run.returncode != 0
    (line,) = [line for line in run.stderr.splitlines() if "found, expected only sources of" in line]
    assert line.startswith(str(library / name.partition("/")[0]))
    assert "Traceback" not in run.stderr


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
