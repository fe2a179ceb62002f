import functools
import gzip
import hashlib
import http.server
import json
import os
import re
import runpy
import shutil
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest
import yaml

from sgdphysics.datasets import IDX_FILES, DatasetError

ROOT = Path(__file__).parents[2]
MNIST = Path(os.environ.get("SGDPHYSICS_MNIST", ROOT.parent / "shared" / "data" / "mnist"))
SCRIPT = runpy.run_path(str(ROOT / "workflow" / "scripts" / "fetch_idx.py"), run_name="fetch_idx")
fetch, download = SCRIPT["fetch"], SCRIPT["download"]

PAYLOADS = {file: f"contents of {file} ".encode() * 50 for file in IDX_FILES.values()}
FILES = {name: {"bytes": len(p), "sha256": hashlib.sha256(p).hexdigest()} for name, p in PAYLOADS.items()}
URLS = ["https://one.example/mnist/", "https://two.example/mnist"]
FIRST = "train-images-idx3-ubyte"


class Network:
    """Servers that hold what is put there, by address; others do not answer."""

    def __init__(self, contents=None):
        self.contents, self.asked, self.pauses = contents or {}, [], []

    def retrieve(self, url, path, most_bytes):
        self.asked.append(url)
        if url not in self.contents:
            raise OSError(f"no answer\nfrom {url}")
        path.write_bytes(self.contents[url])

    def fetch(self, directory, mirror=None, urls=URLS):
        fetch(FILES, urls, mirror, directory, self.retrieve, self.pauses.append)


def complete(server, **changes):
    """Contents of a server with all files; a change replaces the compressed first one."""
    contents = {f"{server}/{name}.gz": gzip.compress(payload) for name, payload in PAYLOADS.items()}
    if "first" in changes:
        contents[f"{server}/{FIRST}.gz"] = changes["first"]
    return contents


ONE, TWO = (url.rstrip("/") for url in URLS)


@pytest.fixture(autouse=True)
def temporary_folder(tmp_path_factory, monkeypatch):
    """Downloads go to a folder of their own, which must be empty at the end."""
    folder = tmp_path_factory.mktemp("temporary")
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield
    assert list(folder.iterdir()) == []


@pytest.fixture
def mirror(tmp_path):
    folder = tmp_path / "mirror"
    folder.mkdir()
    for name, payload in PAYLOADS.items():
        (folder / f"{name}.gz").write_bytes(gzip.compress(payload))
    return folder


def sources(directory):
    return {name: source["mirror"] for name, source in json.loads((directory / "sources.json").read_text()).items()}


def fetched(directory):
    return {path.name: path.read_bytes() for path in directory.iterdir() if path.name != "sources.json"}


def test_files_come_decompressed_from_the_first_mirror(tmp_path):
    network = Network(complete(ONE) | complete(TWO))
    network.fetch(tmp_path / "small")
    assert fetched(tmp_path / "small") == PAYLOADS
    assert sources(tmp_path / "small") == dict.fromkeys(PAYLOADS, URLS[0])
    assert (len(network.asked), network.pauses) == (4, [])


def test_a_silent_mirror_is_asked_again_later_and_then_left_for_the_next(tmp_path):
    network = Network(complete(TWO))
    network.fetch(tmp_path / "small")
    assert sources(tmp_path / "small") == dict.fromkeys(PAYLOADS, URLS[1])
    assert network.asked[:4] == [f"{ONE}/{FIRST}.gz"] * 3 + [f"{TWO}/{FIRST}.gz"]
    assert network.pauses[:2] == [1, 4]


def test_a_mirror_that_recovers_is_used(tmp_path):
    network = Network()
    network.pauses = []
    fetch(FILES, URLS, None, tmp_path / "small", network.retrieve, lambda seconds: network.contents.update(complete(ONE)))
    assert sources(tmp_path / "small") == dict.fromkeys(PAYLOADS, URLS[0])


BAD_FILES = {
    "a page": b"<html>",
    "cut off": gzip.compress(PAYLOADS[FIRST])[:-9],
    "another file": gzip.compress(b"other"),
    "other bytes": gzip.compress(PAYLOADS[FIRST].upper()),
    "empty": b"",
}


@pytest.mark.parametrize("bad", BAD_FILES.values(), ids=BAD_FILES)  # gzip writes the time into its bytes
def test_a_mirror_with_a_bad_file_is_passed_over_for_that_file(tmp_path, bad):
    network = Network(complete(ONE, first=bad) | complete(TWO))
    network.fetch(tmp_path / "small")
    assert fetched(tmp_path / "small") == PAYLOADS
    assert sources(tmp_path / "small") == dict.fromkeys(PAYLOADS, URLS[0]) | {FIRST: URLS[1]}


def test_failure_names_each_mirror_with_its_reason_and_the_way_out(tmp_path):
    network = Network(complete(ONE, first=gzip.compress(PAYLOADS[FIRST].upper())))
    with pytest.raises(DatasetError) as caught:
        network.fetch(tmp_path / "small")
    message = str(caught.value)
    assert "\n" not in message
    found = hashlib.sha256(PAYLOADS[FIRST].upper()).hexdigest()
    assert f"{URLS[0]} ({FIRST}.gz: found sha256 {found}, expected {FILES[FIRST]['sha256']}" in message
    assert f"{URLS[1]} (no answer from {TWO}/{FIRST}.gz)" in message
    assert "--config mirror=" in message
    assert not (tmp_path / "small").exists()


def test_nothing_is_kept_if_the_last_file_fails(tmp_path):
    contents = complete(ONE)
    del contents[f"{ONE}/t10k-labels-idx1-ubyte.gz"]
    with pytest.raises(DatasetError, match=r"^t10k-labels-idx1-ubyte: no mirror has a good copy"):
        Network(contents).fetch(tmp_path / "small")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("url", ["http://one.example/", "file:///data/", "ftp://one.example/"])
def test_only_https_is_asked(tmp_path, url):
    network = Network()
    with pytest.raises(DatasetError, match=re.escape(f"found {url}, expected an address that starts with https://")):
        network.fetch(tmp_path / "small", urls=[URLS[0], url])
    assert network.asked == []


def test_a_local_mirror_is_used_instead_of_the_network_and_leaves_no_path(tmp_path, mirror):
    (mirror / FIRST).write_bytes(PAYLOADS[FIRST])
    (mirror / f"{FIRST}.gz").unlink()
    network = Network(complete(ONE))
    network.fetch(tmp_path / "small", mirror=str(mirror))
    assert fetched(tmp_path / "small") == PAYLOADS
    assert network.asked == []
    assert json.loads((tmp_path / "small" / "sources.json").read_text()) == {
        name: {"mirror": "local mirror", "sha256": expected["sha256"]} for name, expected in FILES.items()
    }


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda path: path.unlink(), f"found neither {FIRST} nor {FIRST}.gz"),
        (lambda path: path.write_bytes(path.read_bytes()[:-9]), f"{FIRST}.gz: found a damaged or other file"),
        (lambda path: path.write_bytes(b"text"), f"{FIRST}.gz: found text that begins with 'text', expected a gzip file"),
        (
            lambda path: path.write_bytes(gzip.compress(b"x")),
            f"{FIRST}.gz: found 1 bytes, expected {FILES[FIRST]['bytes']} bytes",
        ),
        (lambda path: path.write_bytes(gzip.compress(PAYLOADS[FIRST].upper())), f"expected {FILES[FIRST]['sha256']}"),
    ],
)
def test_a_bad_local_mirror_is_an_error_and_not_replaced_by_the_network(tmp_path, mirror, damage, message):
    damage(mirror / f"{FIRST}.gz")
    network = Network(complete(ONE))
    with pytest.raises(DatasetError, match=f"^[^\n]*{re.escape(message)}[^\n]*$"):
        network.fetch(tmp_path / "small", mirror=str(mirror))
    assert network.asked == []
    assert list(tmp_path.iterdir()) == [mirror]


@pytest.mark.parametrize("mirror", ["nowhere", "https://one.example/mnist/"])
def test_a_local_mirror_that_is_no_folder_is_named(tmp_path, mirror):
    with pytest.raises(DatasetError, match=r"^[^\n]*found no such folder, expected one with train-images-idx3-ubyte"):
        Network(complete(ONE)).fetch(tmp_path / "small", mirror=mirror)


@pytest.fixture
def server(mirror):
    """A web server on this machine that holds the compressed files; its address."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *arguments):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=mirror)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_the_transport_loads_files_and_reports_what_the_server_refuses(tmp_path, server, capfd):
    def redirected(url, path, most_bytes):
        download(url.replace("https://one.example/mnist", server), path, most_bytes)

    fetch(FILES, URLS[:1], None, tmp_path / "small", redirected, lambda seconds: None)
    assert fetched(tmp_path / "small") == PAYLOADS
    assert re.search(rf"fetching: address {server}/{FIRST}.gz\n.*100%", capfd.readouterr().err)
    with pytest.raises(OSError, match="404"):
        download(f"{server}/missing.gz", tmp_path / "missing.gz", 1000)
    assert not (tmp_path / "missing.gz").exists()


# --- the rules, in a workflow of their own

SNAKEFILE = """
import os
from pathlib import Path
import yaml
config.setdefault("mirror", None)
DATASETS = yaml.safe_load(Path("datasets.yaml").read_text())
from sgdphysics.study import rule_defaults
from sgdphysics.study.code import Code
CODE = Code(Path())
wildcard_constraints: dataset="|".join(DATASETS)
include: "workflow/rules/data.smk"
for declared in workflow.rules: rule_defaults.complete(workflow, declared, CODE)
"""


@pytest.fixture
def workflow(tmp_path):
    """A function that runs Snakemake on the data rules in an empty folder: arguments -> exit status and standard error."""
    if not MNIST.is_dir():
        pytest.skip("no folder with the MNIST files; name one in SGDPHYSICS_MNIST")
    folder = tmp_path / "checkout"
    for part in ("rules", "scripts", "lib"):
        shutil.copytree(ROOT / "workflow" / part, folder / "workflow" / part, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "envs").mkdir()
    (folder / "envs" / "compute.yaml").write_text("dependencies: []\n")
    registry = yaml.safe_load((ROOT / "config" / "datasets.yaml").read_text())["datasets"]
    own = {key: value for key, value in registry["mnist"].items() if key not in ("mirrors", "files")}
    own |= {"kind": "idx_directory", "directory": "mine", "image_shape": None, "training_images": None}
    (folder / "datasets.yaml").write_text(yaml.safe_dump(registry | {"own": own}))
    (folder / "Snakefile").write_text(SNAKEFILE)
    environment = os.environ | {"PYTHONPATH": str(ROOT / "workflow" / "lib")}
    options = ["--cores", "1", "--rerun-triggers", "mtime", "params", "input", "--show-failed-logs"]

    def run(*arguments):
        command = [sys.executable, "-m", "snakemake", *options, *arguments]
        done = subprocess.run(command, check=False, cwd=folder, env=environment, capture_output=True, text=True)
        return done.returncode, done.stderr

    return run


def test_the_rules_make_mnist_and_another_mirror_makes_nothing_again(tmp_path, workflow):
    folder = tmp_path / "checkout"
    target = "data/mnist.safetensors"
    status, output = workflow(target, "--config", f"mirror={tmp_path / 'nowhere'}")
    assert status == 1
    assert output.count("nowhere: found no such folder") == 1
    assert "Traceback" not in output
    assert not list((folder / "data").rglob("*ubyte*"))
    assert workflow(target, "--config", f"mirror={MNIST}")[0] == 0
    assert {path.name for path in (folder / "data" / "mnist").iterdir()} == {*IDX_FILES.values(), "sources.json"}
    for other in ([], ["--config", f"mirror={tmp_path / 'nowhere'}"]):
        status, output = workflow(target, *other)
        assert (status, "Nothing to be done" in output) == (0, True)
    outputs = [path for path in (folder / "data").rglob("*") if path.is_file()]
    assert not [path for path in outputs if str(MNIST).encode() in path.read_bytes()]


def test_own_files_are_inputs_of_their_dataset(tmp_path, workflow):
    mine = tmp_path / "checkout" / "mine"
    mine.mkdir()
    status, output = workflow("data/own.safetensors")
    assert (status, output.count("mine: found neither train-images-idx3-ubyte nor")) == (1, 1)
    for file in IDX_FILES.values():
        shutil.copy(MNIST / f"{file}.gz", mine)
    assert workflow("data/own.safetensors")[0] == 0
    assert "Nothing to be done" in workflow("data/own.safetensors")[1]
    payload = mine / "t10k-labels-idx1-ubyte"
    payload.write_bytes(gzip.decompress((mine / f"{payload.name}.gz").read_bytes())[:-1])
    status, output = workflow("data/own.safetensors")
    assert (status, output.count("mine/t10k-labels-idx1-ubyte: found 9999 values after the header")) == (1, 1)
    assert not (tmp_path / "checkout" / "data" / "own.safetensors").exists()
