"""Requirements, lock and environment files name the same versions."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from sgdphysics.python_versions import FIRST, LAST

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LOCK_TEXT = (ROOT / "uv.lock").read_text()
PACKAGES = {package["name"]: package for package in tomllib.loads(LOCK_TEXT)["package"]}
LOCKED = {name: package["version"] for name, package in PACKAGES.items()}
REQUIREMENTS = ("requirements.txt", "requirements-test.txt", "requirements-slurm.txt")


def normal(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def pins(name):
    lines = [line for line in (ROOT / name).read_text().splitlines() if line and not line.startswith(("#", "-r "))]
    return {normal(line.split("==")[0]): line.split("==")[1].split(" ;")[0] for line in lines}


@pytest.mark.parametrize("name", REQUIREMENTS)
def test_requirements_are_the_locked_versions(name):
    assert {package: LOCKED[package] for package in pins(name)} == pins(name)


@pytest.mark.parametrize("name", REQUIREMENTS)
def test_requirements_install_with_this_package_and_the_cpu_build_of_torch(name):
    text = (ROOT / name).read_text()
    assert "--hash" not in text
    assert not [package for package in pins(name) if package.startswith(("nvidia", "triton", "cuda"))]


def is_built_for(wheel, minor):
    """Whether a file of a package is for Linux on x86_64 and CPython 3.minor, or for any."""
    python, abi, platform = wheel.removesuffix(".whl").rsplit("-", 3)[1:]
    if platform != "any" and not re.search("manylinux.*x86_64", platform):
        return False
    versions = {int(version or 0) for version in re.findall(r"(?:cp|py)3(\d*)", python)}
    return bool(versions) and (minor in versions if abi.startswith("cp") else min(versions) <= minor)


def test_every_version_comes_built_for_every_supported_python():
    names = {name for requirements in REQUIREMENTS for name in pins(requirements)}
    for minor in range(FIRST[1], LAST[1] + 1):
        wheels = {name: [entry["url"].rsplit("/", 1)[1] for entry in PACKAGES[name].get("wheels", [])] for name in names}
        lacking = {name for name, files in wheels.items() if not any(is_built_for(file, minor) for file in files)}
        assert lacking == {"connection-pool"}, minor  # a source of pure Python
    assert not is_built_for("a-1-cp311-cp311-manylinux_2_28_x86_64.whl", 12)
    assert is_built_for("a-1-cp39-abi3-manylinux2014_x86_64.whl", 12)


def test_the_supported_versions_of_python_are_those_of_the_project():
    minors = range(FIRST[1], LAST[1] + 1)
    assert PROJECT["project"]["requires-python"] == f">=3.{FIRST[1]},<3.{LAST[1] + 1}"
    assert {f"Programming Language :: Python :: 3.{minor}" for minor in minors} <= set(PROJECT["project"]["classifiers"])
    assert f"Python 3.{FIRST[1]} to 3.{LAST[1]}" in (ROOT / "README.md").read_text()


def test_torch_is_pinned():
    assert pins("requirements.txt")["torch"] == "2.13.0"


def test_direct_dependencies_are_pinned_alike():
    direct = dict(entry.split("==") for entry in PROJECT["project"]["dependencies"])
    assert {normal(name): version for name, version in direct.items()}.items() <= pins("requirements.txt").items()
    for group in ("test", "slurm"):
        tools = dict(entry.split("==") for entry in PROJECT["dependency-groups"][group] if isinstance(entry, str))
        assert tools.items() <= pins(f"requirements-{group}.txt").items()


@pytest.mark.parametrize("path", sorted((ROOT / "envs").glob("*.yaml")), ids=lambda path: path.name)
def test_conda_environments_are_the_locked_versions(path):
    for entry in yaml.safe_load(path.read_text())["dependencies"]:
        name, version = entry.split("=")
        if name == "python":
            assert version in PROJECT["project"]["requires-python"]
        else:
            assert LOCKED[{"pytorch": "torch"}.get(name, name)] == version, name


def test_the_container_recipe_has_no_lint():
    hadolint = Path(sys.executable).with_name("hadolint")
    run = subprocess.run([hadolint, ROOT / "envs" / "Dockerfile"], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr


def test_both_container_recipes_install_the_same():
    docker, apptainer = ((ROOT / "envs" / name).read_text() for name in ("Dockerfile", "apptainer.def"))
    for shared in (r"^from:? (\S+)", r"(pip_no_cache_dir.*)", r"(pip install .*)", r"(apt-get install .*?)[ \\]*$"):
        found = [re.findall(shared, text, re.IGNORECASE | re.MULTILINE) for text in (docker, apptainer)]
        assert found[0] == found[1] != []


def test_hooks_are_the_locked_versions():
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    assert {hook["rev"] for hook in hooks} == {f"v{LOCKED['ruff']}", f"v{LOCKED['snakefmt']}"}


def test_the_lock_names_only_the_package_index():
    assert set(re.findall(r"https?://([^/\"]+)", LOCK_TEXT)) == {"pypi.org", "files.pythonhosted.org"}
