"""Where the modules of a job come from: Python, packages that are installed, the library; any other is an error and no record."""

import json
import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
import threadpoolctl
import yaml

import package_on_disk
from sgdphysics import errors
from sgdphysics.errors import InputError
from sgdphysics.provenance import job_records, modules

LIBRARY = modules.LIBRARY
GOOD = {"json": json.__file__, "yaml": yaml.__file__, "threadpoolctl": threadpoolctl.__file__, "sgdphysics.errors": errors.__file__}


def test_modules_of_python_of_packages_and_of_the_library_are_in_order():
    modules.check(GOOD)
    modules.check({"sgdphysics": str(LIBRARY / "sgdphysics/__init__.py"), "snakemake_logger_plugin_sgdphysics.handler": HANDLER})


HANDLER = str(LIBRARY / "snakemake_logger_plugin_sgdphysics/handler.py")


def test_snakemakes_plugin_may_be_that_of_another_checkout_if_it_is_the_same(tmp_path):
    copy = tmp_path / "handler.py"
    copy.write_bytes(Path(HANDLER).read_bytes())
    modules.check({"snakemake_logger_plugin_sgdphysics.handler": str(copy)})
    for other in ("snakemake_logger_plugin_sgdphysics.displays", "sgdphysics.handler", "handler"):
        with pytest.raises(InputError, match=rf"^module {other}: loaded from "):
            modules.check({other: str(copy)})
    copy.write_bytes(copy.read_bytes() + b"\n")
    with pytest.raises(InputError, match=r"^module snakemake_logger_plugin_sgdphysics.handler: loaded from "):
        modules.check({"snakemake_logger_plugin_sgdphysics.handler": str(copy)})


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("numpy", "numpy.py"),
        ("numpy", "numpy/__init__.py"),
        ("sgdphysics.errors", "errors.py"),
        ("numpy", LIBRARY / "numpy.py"),
        ("sitecustomize", LIBRARY / "sitecustomize.py"),
        ("errors", LIBRARY / "sgdphysics/errors.py"),  # the library by another name
        ("sgdphysics.files", LIBRARY / "sgdphysics/errors.py"),
        ("draw", LIBRARY.parent / "scripts/decide_claims.py"),
    ],
)
def test_a_module_from_elsewhere_is_named_with_its_file(tmp_path, monkeypatch, name, file):
    """Also from where we work, whatever lies there."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / file
    with pytest.raises(InputError, match=rf"^module {name}: loaded from {re.escape(str(path))}, expected one of Python's own, "):
        modules.check({**GOOD, name: str(path)})


def test_metadata_in_the_working_folder_make_no_package_of_what_is_there(tmp_path, monkeypatch):
    planted = {"numpy.py": "", "numpy-9.9.dist-info/METADATA": "Name: numpy\nVersion: 9.9\n"}
    for name, text in planted.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    modules.check({"numpy": str(tmp_path / "numpy.py")})  # a folder elsewhere that a user installed to
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=r"^module numpy: loaded from"):
        modules.check({"numpy": str(tmp_path / "numpy.py")})


def test_packages_that_are_used_where_they_are_developed_are_installed(tmp_path, monkeypatch):
    site, source = tmp_path / "site-packages", tmp_path / "my source"
    for name, editable in (("mine", True), ("copied", False), ("sgdphysics", True)):
        folder = site / f"{name}-1.dist-info"
        folder.mkdir(parents=True)
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n")
        origin = {"url": (source / name).as_uri(), "dir_info": {"editable": editable}}
        (folder / "direct_url.json").write_text(json.dumps(origin))
    (site / "damaged-1.dist-info").mkdir()
    (site / "damaged-1.dist-info/direct_url.json").write_text("[")
    monkeypatch.syspath_prepend(site)
    plugin = "sgdphysics/workflow/lib/snakemake_logger_plugin_sgdphysics/__init__.py"  # of another checkout
    modules.check({"mine": str(source / "mine/src/mine.py"), "snakemake_logger_plugin_sgdphysics": str(source / plugin)})
    for name in ("copied/copied.py", "sgdphysics/workflow/lib/sitecustomize.py"):
        with pytest.raises(InputError, match=r"^module x: loaded from"):
            modules.check({"x": str(source / name)})


def test_the_program_itself_and_modules_without_a_file_are_none(tmp_path):
    found = modules.files_of(sys.modules)
    assert found["json"] == json.__file__
    assert not {"__main__", "sys", "builtins"} & found.keys()
    assert all(Path(file).is_file() for file in found.values())


PROGRAM = """\
__real_file__ = __file__
import sys
from types import SimpleNamespace
from sgdphysics.provenance import jobs

class Inputs(list):
    code = ["workflow/scripts/draw.py"]

given = SimpleNamespace(rule="draw", input=Inputs(Inputs.code), output=["out.txt"], log=["logs/draw.log"])
given.wildcards, given.params, given.resources, given.threads = {}, {}, {}, 1
# The script:
"""
SCRIPT = """\
with jobs.logged_job(given):
    {work}
    open("out.txt", "w").write("made")
"""


def installed(folder, name, source, path=None):
    """A package of one module; returns the folder of packages, which is one that a user adds."""
    site = folder / "elsewhere/site-packages"
    package_on_disk.install(site, name, {path or f"{name}.py": source})
    return site


def run(folder, work="pass", changed=False, environment=(), before=""):
    """Run a job as Snakemake does: from a program that ends with its script, in the environment of jobs."""
    script = SCRIPT.format(work=work)
    program = folder / ".snakemake/scripts/tmp1.draw.py"
    for path, text in {
        folder / "workflow/scripts/draw.py": script.replace("made", "older") if changed else script,
        folder / "logs/draw.log": "",
        program: PROGRAM + before + script,
    }.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))
    variables = {"PATH": os.environ["PATH"], "PYTHONPATH": str(LIBRARY), "PYTHONSAFEPATH": "1", **dict(environment)}
    command = [sys.executable, program]
    ended = subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, timeout=120, check=False)
    return ended.returncode, (folder / "logs/draw.log").read_text() + ended.stderr


def record(folder):
    return job_records.load(folder / "logs/draw.job.json")


def test_a_job_of_recorded_code_leaves_a_record(tmp_path):
    code, log = run(tmp_path)
    assert (code, log) == (0, "")
    assert record(tmp_path)["variables"] == {}


@pytest.mark.parametrize("folder", [".", ".snakemake/scripts", "workflow/scripts"])
def test_a_module_from_the_working_folder_is_an_error_and_leaves_no_record(tmp_path, folder):
    (tmp_path / folder).mkdir(parents=True, exist_ok=True)
    (tmp_path / folder / "shadow.py").write_text("a = 1\n")
    work = f"sys.path.append({str(tmp_path / folder)!r}); import shadow"
    code, log = run(tmp_path, work)
    assert code == 1
    path = tmp_path / folder / "shadow.py"
    assert log.startswith(f"error: module shadow: loaded from {path}, expected one of Python's own, ")
    assert not (tmp_path / "logs/draw.job.json").exists()


@pytest.mark.parametrize("folder", [".", ".snakemake/scripts"])
def test_a_shadow_is_not_found_where_the_working_folder_and_that_of_scripts_are_not_looked_at(tmp_path, folder):
    (tmp_path / folder).mkdir(parents=True, exist_ok=True)
    (tmp_path / folder / "colorsys.py").write_text("raise SystemExit('a shadow ran')\n")
    code, log = run(tmp_path, "import colorsys")
    assert (code, log) == (0, "")


def test_a_script_that_changed_while_its_job_started_is_named(tmp_path):
    code, log = run(tmp_path, changed=True)
    assert (code, log) == (1, "error: workflow/scripts/draw.py: changed while the job started\n")


def test_a_variable_that_reaches_results_is_recorded_with_the_job(tmp_path):
    variables = {"MKL_CBWR": "COMPATIBLE", "ATEN_CPU_CAPABILITY": "default", "OPENBLAS_NUM_THREADS": "4"}
    code, log = run(tmp_path, environment=variables)
    assert (code, log) == (0, "")
    assert record(tmp_path)["variables"] == variables


NOTES = ".snakemake/packages"


def test_packages_are_summed_for_each_job_and_read_again_only_where_they_changed(tmp_path):
    site = installed(tmp_path, "invented", "a = 1\n")
    variables = {"PYTHONPATH": f"{LIBRARY}:{site}"}
    assert run(tmp_path, "import invented", environment=variables) == (0, "")
    first = record(tmp_path)
    assert first["packages"]["invented"] == "1.0"
    assert first["altered_packages"] == {}
    assert {"threadpoolctl", "invented"} <= first["package_sums"].keys()
    (note,) = (tmp_path / NOTES).glob("invented-*")
    assert run(tmp_path, "import invented", environment=variables) == (0, "")
    assert record(tmp_path)["package_sums"] == first["package_sums"]
    assert list((tmp_path / NOTES).glob("invented-*")) == [note]
    times = (site / "invented.py").stat()
    (site / "invented.py").write_text("a = 2\n")
    os.utime(site / "invented.py", ns=(times.st_atime_ns, times.st_mtime_ns))
    assert run(tmp_path, "import invented", environment=variables) == (0, "")
    assert record(tmp_path)["altered_packages"] == {"invented": ["invented.py"]}
    assert record(tmp_path)["package_sums"]["invented"] != first["package_sums"]["invented"]


def test_a_package_that_is_altered_while_a_job_runs_is_told(tmp_path):
    site = installed(tmp_path, "invented", "a = 1\n")
    work = f"open({str(site / 'invented.py')!r}, 'a').write('b = 2')"
    variables = {"PYTHONPATH": f"{LIBRARY}:{site}"}
    before = "import invented\n"  # as scripts import what they need before their work
    assert run(tmp_path, work, environment=variables, before=before) == (0, "")
    assert record(tmp_path)["altered_packages"] == {"invented": ["while the job ran"]}


def test_modules_among_those_of_packages_that_are_in_no_list_are_told(tmp_path):
    site = installed(tmp_path, "invented", "a = 1\n", "invented/__init__.py")
    (site / "invented/planted.py").write_text("")
    (site / "alone.py").write_text("")
    package_on_disk.install(site, "lone", {"listed.py": ""})
    variables = {"PYTHONPATH": f"{LIBRARY}:{site}"}
    assert run(tmp_path, "import invented.planted, alone, listed", environment=variables) == (0, "")
    assert record(tmp_path)["altered_packages"] == {"invented": ["invented/planted.py (not in its list)"]}
    found = record(tmp_path)["packages"]
    assert (found["alone"], found["lone"], "listed" in found) == ("not known", "1.0", False)
