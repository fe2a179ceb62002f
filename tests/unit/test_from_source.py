"""What runs is what the sources say: no bytecode of an older source, and nothing else in the folder of the library."""

import importlib.util
import os
import py_compile
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from sgdphysics.errors import InputError
from sgdphysics.provenance import modules
from sgdphysics.study import start

FACE = modules.LIBRARY / "sgdphysics" / "__init__.py"
SMALL = {
    "sgdphysics/__init__.py": FACE.read_text(),
    "sgdphysics/part.py": "print('new')\n",
    "sgdphysics/report/__init__.py": "",
    "sgdphysics/report/style.py": "print('new')\n",
    "snakemake_logger_plugin_sgdphysics/__init__.py": "PLUGIN = 'new'\n",
}


def write(folder, files):
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


@pytest.fixture
def library(tmp_path):
    """Folder of a small library with this one's face."""
    write(tmp_path / "lib", SMALL)
    return tmp_path / "lib"


def make_stale(source, old):
    """Have a source with the bytecode of another one of equal size and time."""
    new, times = source.read_bytes(), (source.stat().st_atime_ns, source.stat().st_mtime_ns)
    assert len(old) == len(new)
    for text in (old, new):
        source.write_bytes(text)
        os.utime(source, ns=times)
        if text == old:
            bytecode = py_compile.compile(str(source), doraise=True)
    return Path(bytecode)


def printed(library, *lines):
    """What a program prints that has a library on its path."""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(library)}
    command = [sys.executable, "-c", "\n".join(lines)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=120).stdout.split()


@pytest.mark.parametrize("name", ["part", "report/style"])
@pytest.mark.parametrize("face", ["own", "empty"])
def test_bytecode_of_equal_size_and_time_is_not_run(library, name, face):
    """With an empty face, as packages have, it is: else this test could not fail."""
    source = library / f"sgdphysics/{name}.py"
    make_stale(source, b"print('old')\n")
    if face == "empty":
        FACE_HERE = library / "sgdphysics/__init__.py"
        FACE_HERE.write_text("")
    found = printed(library, f"import sgdphysics.{name.replace('/', '.')}")
    assert found == ["new" if face == "own" else "old"]


def test_no_bytecode_is_written_but_of_the_first_file(library):
    printed(library, "import sgdphysics.part, sgdphysics.report.style")
    assert [path.name.partition(".")[0] for path in library.rglob("*.pyc")] == ["__init__"]


def test_neither_an_extension_nor_a_file_without_source_takes_the_place_of_a_source(library):
    (library / "sgdphysics/part.so").write_bytes(b"no library")
    shutil.copy(make_stale(library / "sgdphysics/report/style.py", b"print('old')\n"), library / "sgdphysics/report/other.pyc")
    lines = ["import sgdphysics.part", "try:\n    import sgdphysics.report.other\nexcept ImportError:\n    print('none')"]
    assert printed(library, *lines) == ["new", "none"]


def test_modules_are_found_by_name_and_have_their_source(library):
    lines = [
        "import inspect, pkgutil, sgdphysics, sgdphysics.report.style as style",
        "print(sorted(module.name for module in pkgutil.walk_packages(sgdphysics.__path__, 'sgdphysics.')))",
        "print(inspect.getsource(style))",
    ]
    found = " ".join(printed(library, *lines))
    assert "['sgdphysics.part', 'sgdphysics.report', 'sgdphysics.report.style']" in found


def test_a_library_of_sources_alone_is_in_order(library, tmp_path):
    start.check_library(modules.LIBRARY)
    harmless = {f"lib/{name}": "" for name in (".DS_Store", "notes.txt", "sgdphysics/part.py.orig", "sgdphysics.egg-info/PKG-INFO")}
    write(tmp_path, harmless)
    (library / "sgdphysics/part").mkdir()  # a folder without a face takes nobody's place
    py_compile.compile(str(library / "sgdphysics/__init__.py"))
    start.check_library(library)


FOREIGN = [
    *("sitecustomize.py", "usercustomize.py", "numpy.py", "numpy.pyc", "numpy.so", "_numpy.abi3.so"),
    *("numpy/__init__.py", "snakemake_executor_plugin_other/__init__.py", "any-name.pth", "numpy-9.9.dist-info/METADATA"),
    *("numpy.egg-info/PKG-INFO", "sgdphysics/part.so", "sgdphysics/report/style.pyc", "sgdphysics/part/__init__.py"),
    *("sgdphysics.so", f"sgdphysics/part{importlib.machinery.EXTENSION_SUFFIXES[0]}"),
]


@pytest.mark.parametrize("name", FOREIGN)
def test_what_python_would_load_besides_is_named(library, name):
    write(library, {name: ""})
    with pytest.raises(InputError, match=": found, expected only sources of sgdphysics and ") as caught:
        start.check_library(library)
    assert str(caught.value).startswith(str(library / name.partition("/")[0]))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", ["stale", b"", b"nonsense" * 10])
def test_bytecode_that_is_not_of_its_source_and_could_not_be_removed_is_named(library, content):
    source = library / "sgdphysics/__init__.py"
    text = source.read_bytes()
    bytecode = make_stale(source, text.replace(b"sys.path_hooks.insert(0", b"sys.path_hooks.insert(9"))
    if content != "stale":
        bytecode.write_bytes(content)
    with pytest.raises(InputError) as caught:
        start.check_library(library)
    assert str(caught.value).startswith(f"{bytecode}: found, expected only sources")
