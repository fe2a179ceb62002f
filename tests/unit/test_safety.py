"""Bytes from outside are never unpickled or run, and nothing in the code could."""

import ast
import pickle
from pathlib import Path

import pytest

from sgdphysics import datasets, run_files
from sgdphysics.errors import InputError
from sgdphysics.provenance import audit, compare, job_records
from sgdphysics.tables import load_table
from sgdphysics.tensors import load_metadata, load_tensors

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "workflow").rglob("*.py"))
UNPICKLERS = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "marshal", "shelve"}
# Functions that unpickle, run or unpack what they are given, whatever its size, or load from anywhere, by the name that is called.
FORBIDDEN_CALLS = {
    "torch.load",
    "np.load",
    "numpy.load",
    "pd.read_pickle",
    "pandas.read_pickle",
    "eval",
    "exec",
    "compile",
    "os.system",
    "yaml.load",
    "yaml.full_load",
    "yaml.unsafe_load",
    "shutil.unpack_archive",
    "tarfile.open",
    "zipfile.ZipFile",
    "gzip.decompress",
    "zlib.decompress",
    "bz2.decompress",
    "lzma.decompress",
    "pooch.retrieve",
    "requests.get",
    "urllib.request.urlopen",
    "urlopen",
    "__import__",
}
EXCEPTIONS = {
    "kept_sources": {"zipfile.ZipFile"},  # of entries as large as recorded, at most
    "start": {"compile", "marshal"},  # of bytecode that Python itself is about to load: it is compared, and not run
}
TENSORS = ["data/mnist5k.safetensors", "results/runs/0123456789/0123456789.safetensors", "measure/0/0/windows.safetensors"]
TABLES = ["tables/feng2021_runs.csv", "measure/0/0/flatness.csv", "measure/0/0/duality_points.csv", "claims.csv", "claim_tests.csv"]
IDX = ["train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"]


class Malicious:
    """Unpickling it makes a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


def planted(tmp_path, name):
    """A malicious pickle under a name, and the file that it makes if somebody unpickles it."""
    path, made = tmp_path / name, tmp_path / "made"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(pickle.dumps(Malicious(made)))
    return path, made


def test_the_pickle_would_run(tmp_path):
    path, made = planted(tmp_path, "x")
    pickle.loads(path.read_bytes())
    assert made.exists()


def loads():
    """Every file that a study reads, with the functions that read one of its kind."""
    yield from ((name, load) for name in TENSORS for load in (load_tensors, load_metadata))
    yield TENSORS[0], datasets.load_dataset
    yield TENSORS[1], run_files.load_results
    yield from ((name, load_table) for name in TABLES)
    yield from ((name, lambda path: datasets.read_payload(path, 100, "0" * 64)) for name in IDX)
    yield "logs/train.job.json", job_records.load
    yield "results/smoke/provenance/ro-crate-metadata.json", lambda path: audit.load(path.parents[3], "smoke")
    yield "claims.csv", lambda path: compare.compare(path.parent, path.parent)


@pytest.mark.parametrize(("name", "load"), list(loads()))
def test_a_malicious_pickle_is_refused_and_not_run(name, load, tmp_path):
    path, made = planted(tmp_path, name)
    with pytest.raises(InputError) as caught:
        load(path)
    assert path.name in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not made.exists()


def dotted(node):
    """The name of what is called, such as ``torch.load``."""
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def findings(text):
    """What a source does that could run bytes from outside."""
    found = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names if alias.name.split(".")[0] in UNPICKLERS}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in UNPICKLERS:
            found.add(node.module)
        elif isinstance(node, ast.Call):
            found |= {dotted(node.func)} & FORBIDDEN_CALLS
            shell = [keyword for keyword in node.keywords if keyword.arg in ("shell", "allow_pickle")]
            found |= {keyword.arg for keyword in shell if getattr(keyword.value, "value", True) is not False}
    return found


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_no_code_could_run_bytes_from_outside(path):
    assert findings(path.read_text()) == EXCEPTIONS.get(path.stem, set())


@pytest.mark.parametrize(
    "text",
    [
        "import pickle",
        "from joblib import load",
        "torch.load(path)",
        "np.load(path)",
        "pd.read_pickle(path)",
        "yaml.load(text)",
        "eval(text)",
        "subprocess.run(text, shell=True)",
        "f(path, allow_pickle=flag)",
        "tarfile.open(path).extractall()",
        "gzip.decompress(content)",
        "urllib.request.urlopen(address)",
    ],
)
def test_the_search_finds_what_it_is_for(text):
    assert findings(text)


def test_workflow_files_load_yaml_safely():
    for path in (ROOT / "workflow" / "rules").glob("*.smk"):
        text = path.read_text()
        assert "yaml.load(" not in text
        assert "pickle" not in text


def test_dependencies_are_exact_versions():
    for name in ("requirements.txt", "requirements-test.txt"):
        lines = [line.split(";")[0].strip() for line in (ROOT / name).read_text().splitlines()]
        loose = [line for line in lines if line and not line.startswith(("#", "-r")) and line.count("==") != 1]
        assert loose == []
