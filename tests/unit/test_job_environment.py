"""What of a user's environment is kept from jobs: bytes are the same in a hostile one."""

import io
import os
import site
import subprocess
import sys

import pytest

import hostile_environment
from sgdphysics import job_environment
from sgdphysics.errors import InputError

# What a workflow does: it prepares itself, then starts a job, by bash as Snakemake does.
WORKFLOW = """
import os, pathlib, subprocess, sys
sys.path.insert(0, sys.argv[1])
from sgdphysics import job_environment
job_environment.prepare_workflow(pathlib.Path())
subprocess.run(["bash", "-c", f"{sys.executable} {sys.argv[2]}"], check=True, stdin=subprocess.DEVNULL)
os._exit(0)  # else PYTHONINSPECT would have this process, which it could reach, wait for what is typed
"""
# One of everything that jobs do: training, linear algebra, functions of numbers, a table, text, a figure.
JOB = """
import hashlib, os, pathlib
import matplotlib.pyplot as plt, numpy as np, pandas as pd, torch
from sgdphysics import curvature, tables, training
from sgdphysics.report import style

def draw(given):
    figure, axis = plt.subplots()
    axis.plot(given["points"]["x"], given["points"]["y"], label="$x^2$")
    axis.set(xscale="log", title="−×")
    axis.legend()
    return figure

random = np.random.default_rng(0)
images = torch.tensor(random.random((128, 196)), dtype=torch.float32)
labels = torch.arange(128) % 10
(result,) = training.train([training.Run(max_epochs=2, batch_size=32, hidden_widths=(30, 30))], images, labels)
hessian = curvature.layer_hessian(result.network, images, labels, layer=1)
numbers = random.standard_normal((200, 150))
folder = pathlib.Path("made")
tables.save_table(folder / "points.csv", pd.DataFrame({"x": np.exp(numbers[0]), "y": numbers[1]}))
(folder / "text.txt").write_text("−×ψ")
style.make_figure(draw, ["points"], {"points": folder / "points.csv"}, [folder / "figure.pdf", folder / "figure.png"])
made = {path.name: path.read_bytes() for path in sorted(folder.iterdir())} | {
    "weights": b"".join(weight.numpy().tobytes() for weight in result.network.weights),
    "curvature": torch.linalg.eigvalsh(hessian).numpy().tobytes(),
    "decomposition": np.linalg.svd(numbers)[1].tobytes() + (numbers @ numbers.T).tobytes(),
    "functions": np.exp(numbers).tobytes() + np.sin(numbers).tobytes(),
    "threads": str(torch.get_num_threads()).encode(),
}
print(*(f"{name} {hashlib.sha256(content).hexdigest()}" for name, content in made.items()), sep="\\n")
"""


def started(folder, variables):
    (folder / "job.py").write_text(JOB, encoding="utf-8")  # beside modules of the user: where a script lies is looked at first
    command = [sys.executable, "-c", WORKFLOW, str(job_environment.LIBRARY), "job.py"]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=folder, env=variables, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe)


def test_bytes_are_the_same_whatever_a_user_has_set(tmp_path):
    environments = {}
    for name in ("clean", "hostile"):
        (tmp_path / name).mkdir()
        environments[name] = hostile_environment.clean()
    environments["hostile"] |= hostile_environment.plant(tmp_path / "home", tmp_path / "hostile")
    processes = {name: started(tmp_path / name, variables) for name, variables in environments.items()}
    printed = {name: process.communicate(timeout=300) for name, process in processes.items()}
    for name, process in processes.items():
        assert process.returncode == 0, (name, printed[name][1].decode(errors="replace")[-3000:])
    clean, hostile = (dict(line.split() for line in printed[name][0].decode().splitlines()) for name in ("clean", "hostile"))
    assert len(clean) == 9
    assert hostile == clean


def test_variables_of_the_machine_stay_and_those_that_reach_results_do_not(tmp_path):
    machine = {
        "PATH": "/usr/bin",
        "HOME": "/home/x",
        "CUDA_VISIBLE_DEVICES": "1",
        "SLURM_JOB_ID": "7",
        "https_proxy": "http://proxy",
        "SNAKEMAKE_PROFILE": "slurm",
        "SGDPHYSICS_TRAINED_CHUNKS": "chunks",
        "PYTORCH_CUDA_ALLOC_CONF": "expandable_segments:True",
        "GIT_CONFIG_COUNT": "0",
        "LD_LIBRARY_PATH": "/opt/lib",
    }
    variables = job_environment.prepared(machine | hostile_environment.plant(tmp_path / "home", tmp_path), tmp_path / "caches")
    assert machine.items() - variables.items() == {("HOME", "/home/x")}  # the hostile user has another
    assert variables["PYTHONPATH"] == str(job_environment.LIBRARY)
    assert {name for name in variables if name.startswith("PYTHON")} <= {
        *("PYTHONPATH", "PYTHONSAFEPATH", "PYTHONUTF8", "PYTHONNOUSERSITE")
    }
    assert (variables["MPLBACKEND"], variables["MATPLOTLIBRC"], variables["MPLCONFIGDIR"]) == (
        *("Agg", os.devnull),
        str(tmp_path / "caches" / "matplotlib"),
    )
    assert {variables[name] for name in job_environment.THREADS} == {"1"}
    others = ("OPENBLAS_CORETYPE", "ATEN_", "MKL_CBWR", "NPY_", "GLIBC_", "BASH_ENV", "GIT_DIR", "IPYTHON", "JUPYTER", "TQDM")
    assert not [name for name in variables if name.startswith(others)]


def test_packages_that_are_only_in_the_users_own_folder_are_found_there(tmp_path, monkeypatch):
    monkeypatch.setattr(site, "getusersitepackages", lambda: str(tmp_path))
    assert job_environment.prepared({})["PYTHONNOUSERSITE"] == "1"
    (tmp_path / "torch.py").touch()
    assert job_environment.prepared({})["PYTHONNOUSERSITE"] == "1"  # torch is elsewhere too
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    assert "PYTHONNOUSERSITE" not in job_environment.prepared({})


def test_variables_are_as_before_after_a_block_in_the_environment_of_jobs(monkeypatch):
    monkeypatch.setenv("MPLBACKEND", "nonsense")
    before = dict(os.environ)

    def fail():
        assert os.environ["MPLBACKEND"] == "Agg"
        raise ValueError

    with pytest.raises(ValueError, match=r"^$"), job_environment.applied():
        fail()
    assert dict(os.environ) == before


def test_libraries_that_are_loaded_in_place_of_others_are_recorded_without_the_folders_of_the_machine():
    variables = {"LD_PRELOAD": "/usr/lib/libjemalloc.so.2 /opt/libgomp.so", "LD_LIBRARY_PATH": "", "PATH": "/usr/bin"}
    assert job_environment.recorded(variables) == {"LD_PRELOAD": "libjemalloc.so.2:libgomp.so"}
    assert job_environment.recorded({}) == {}


def test_what_the_workflow_sets_for_every_job_is_not_recorded(tmp_path):
    machine = {"PATH": "/usr/bin", "HOME": "/home/x", "CUDA_VISIBLE_DEVICES": "1", "PYTHONUNBUFFERED": "1"}
    variables = job_environment.prepared(machine | hostile_environment.plant(tmp_path / "home", tmp_path), tmp_path / "caches")
    assert job_environment.recorded(variables) == {}
    threads = dict.fromkeys([*job_environment.THREADS, "GOTO_NUM_THREADS"], "2")  # as Snakemake sets them for two threads
    assert job_environment.recorded(variables | threads, threads=2) == {}
    assert job_environment.recorded(variables | threads, threads=1) == threads


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("MKL_CBWR", "COMPATIBLE", "COMPATIBLE"),
        ("OPENBLAS_CORETYPE", "Nehalem", "Nehalem"),
        ("ONEDNN_MAX_CPU_ISA", "SSE41", "SSE41"),
        ("ATEN_CPU_CAPABILITY", "default", "default"),
        ("TORCH_ALLOW_TF32_CUBLAS_OVERRIDE", "1", "1"),
        ("NPY_DISABLE_CPU_FEATURES", "AVX2", "AVX2"),
        ("GLIBC_TUNABLES", "glibc.cpu.hwcaps=-AVX2", "glibc.cpu.hwcaps=-AVX2"),
        ("OMP_NUM_THREADS", "8", "8"),
        ("PYTHONHASHSEED", "7", "7"),
        ("PYTHONPYCACHEPREFIX", "/home/x/cache", "cache"),
        ("PYTHONPATH", "/home/x/modules:/opt/lib", "modules:lib"),
        ("MATPLOTLIBRC", "/home/x/matplotlibrc", "matplotlibrc"),
        ("MPLBACKEND", "Cairo", "Cairo"),
        ("LD_PRELOAD", "/opt/libfast.so", "libfast.so"),
    ],
)
def test_what_reaches_results_and_was_set_all_the_same_is_recorded_with_its_value(name, value, told):
    assert job_environment.recorded(job_environment.prepared({}) | {name: value}) == {name: told}


def test_a_matplotlibrc_of_the_working_folder_that_matplotlib_cannot_read_is_one_line(tmp_path):
    job_environment.check_matplotlibrc(tmp_path)
    path = tmp_path / "matplotlibrc"
    path.mkdir()
    job_environment.check_matplotlibrc(tmp_path)  # matplotlib passes over a folder too
    path.rmdir()
    path.write_bytes("axes.titlesize: groß".encode("latin-1"))
    expected = r"^matplotlibrc: found what cannot be read \('utf-8' codec .*\), expected text or no such file: "
    with pytest.raises(InputError, match=expected):
        job_environment.check_matplotlibrc(tmp_path)


def test_signs_that_a_terminal_lacks_are_printed_as_escapes(monkeypatch):
    terminal = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(terminal, encoding="latin-1"))
    job_environment.print_any_text()
    print("1 × −2", flush=True)
    assert terminal.getvalue() == b"1 \xd7 \\u22122\n"


def test_what_is_planted_is_hostile(tmp_path):
    """Else the tests above could not fail: without preparation, one who imports what jobs import runs the files of the user."""
    variables = hostile_environment.clean() | hostile_environment.plant(tmp_path / "home", tmp_path)
    run = subprocess.run([sys.executable, "-c", "import torch"], cwd=tmp_path, env=variables, stdin=subprocess.DEVNULL, check=False)
    assert run.returncode != 0


def test_where_torch_keeps_what_it_compiles_is_nobodys_business():
    assert job_environment.recorded({"TORCHINDUCTOR_CACHE_DIR": "/tmp/torchinductor_somebody"}) == {}
