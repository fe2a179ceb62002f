"""What each job of a workflow leaves behind on itself: a JSON file beside its log, with checksums of all it read and wrote.

Snakemake keeps no checksums of outputs and none of the code that ran. Here the code and the inputs are summed before the work and
the outputs after it, in the process that does it, so the record says what was used even where a file is changed a moment later.
"""

import json
import os
import platform
import resource
import sys
import time
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import threadpoolctl

from sgdphysics import LOADED, job_environment
from sgdphysics.errors import InputError
from sgdphysics.files import sha256_of, write_atomically
from sgdphysics.provenance import modules, packages
from sgdphysics.provenance.packages import loaded as loaded_packages  # its name here
from sgdphysics.provenance.places import NOT_KNOWN, recorded_name, without_places

SUFFIX = ".job.json"
VERSION = 2  # of records as they are written; those of 1 had no number and no plumbing
PACKAGE = __name__.split(".")[0]
NOTES = Path(".snakemake/packages")  # on packages, so that not every job reads all of them
HERE, FOLDER = Path(__file__).parents[1], Path("workflow/lib", PACKAGE)  # of the package: where it is, and is in the project
# What the records of every version have.
KEYS = {
    "rule",
    "script",
    "wildcards",
    "params",
    "seeds",
    "threads",
    "code",
    "inputs",
    "outputs",
    "started",
    "ended",
    "seconds",
    "peak_memory_bytes",
    "device",
    "machine",
    "python",
    "packages",
    "libraries",
}


def path_beside(log: str | Path) -> Path:
    """Return where the record of the job with this log is."""
    return Path(log).with_suffix(SUFFIX)


@contextmanager
def recorded(
    job: Any, device: Callable[[], str] = lambda: "cpu", further: Callable[[], Mapping[str, str]] = dict
) -> Generator[None]:
    """Write the record of a job when the block has ended without an error; an older record is removed first.

    Of what Snakemake has started, it is checked that script and modules are what the record says; installed packages are summed as
    far as they are loaded before the work, the others after it.

    Args:
        job: Snakemake's object of the job, or one with its ``rule``, ``wildcards``, ``params``, ``input`` (its ``code`` apart),
            ``output``, ``log`` and ``threads``.
        device: Asked at the end, where the job computed.
        further: Asked at the end for modules of other processes that worked for the job, as `modules.files_of` returns them.

    Raises:
        InputError: If a module was loaded that is in no record, or the script was another; see `modules.check`.
    """
    is_whole_process = modules.program_of_snakemake() is not None
    record = path_beside(job.log[0])
    record.unlink(missing_ok=True)
    code = [str(path) for path in getattr(job.input, "code", [])]
    inputs = sorted({str(path) for path in job.input} - set(code))
    content_before = {
        "rule": job.rule,
        "script": next((path for path in code if path.startswith("workflow/scripts/")), None),
        "wildcards": dict(job.wildcards.items()),
        "params": without_places(dict(job.params.items())),
        "seeds": sorted(seeds_in([dict(job.params.items()), dict(job.wildcards.items())])),
        "threads": job.threads,
        "code": {path: sha256_of(path) for path in sorted(code)},
        "inputs": _by_recorded_name({path: sha256_of(path) for path in inputs}),
    }
    library_before = loaded_library(modules.files_of(sys.modules))
    packages_before = {}
    if is_whole_process:
        modules.check_script(content_before["script"])
        packages_before = packages.files_of(loaded_packages(sys.modules), NOTES)
    start = time.time()
    yield
    end = time.time()
    elsewhere, files = further(), modules.files_of(sys.modules)
    if is_whole_process:
        modules.check(files)
        modules.check(elsewhere)
    library = {**loaded_library({**elsewhere, **files}), **library_before}
    files = {**elsewhere, **files}
    check_loaded(files, {**library, **content_before["code"]})
    record_content = {
        "version": VERSION,
        **content_before,
        "plumbing": {path: sha256 for path, sha256 in library.items() if path not in code},
        "outputs": {str(path): {"sha256": sha256_of(path), "bytes": Path(path).stat().st_size} for path in job.output},
        "started": _utc(start),
        "ended": _utc(end),
        "seconds": round(end - start, 3),
        "peak_memory_bytes": _peak_memory(),
        "device": device(),
        "machine": machine(),
        "python": platform.python_version(),
        "packages": loaded_packages({*sys.modules, *files}),
        "libraries": libraries(),
        "variables": job_environment.recorded(os.environ, job.threads),
        **(_state_of_packages(files, packages_before) if is_whole_process else {}),
    }
    text = json.dumps(record_content, indent=1, sort_keys=True) + "\n"
    write_atomically(record, lambda path: path.write_text(text, encoding="utf-8"))


def load(path: Path) -> dict[str, Any]:
    """Read a record of this or an earlier version, which may have further keys.

    Raises:
        InputError: If there is none, it is not one, or it is of a later version.
    """
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path}: not a readable record of a job ({error})") from None
    version = content.get("version", 1) if isinstance(content, dict) else None
    if type(version) is not int or version < 1:  # JSON's true is an int too
        raise InputError(f"{path}: not a record of a job as this version writes it")
    if version > VERSION:
        raise InputError(f"{path}: a record of version {version}; this version of sgdphysics reads them up to {VERSION}")
    if not content.keys() >= (KEYS | {"plumbing"} if version > 1 else KEYS) or not _has_right_types(content):
        raise InputError(f"{path}: not a record of a job as this version writes it")
    # Records were written that name inputs outside of the project by their whole paths, and folders by the way there.
    return {**content, "inputs": _by_recorded_name(content["inputs"]), "params": without_places(content["params"])}


def _has_right_types(content: Mapping[str, Any]) -> bool:
    """Whether the values that are looked into are what a job writes."""
    mappings = all(isinstance(content[key], dict) for key in ("params", "wildcards", "code", "inputs", "outputs", "packages"))
    texts = all(isinstance(content[key], str) for key in ("rule", "started", "ended"))
    return mappings and texts and all(isinstance(entry, dict) and "sha256" in entry for entry in content["outputs"].values())


def altered(log: str | Path, outputs: Iterable[str | Path]) -> list[str]:
    """Return those of a job's outputs that are not, byte for byte, what its record says that it made.

    Args:
        log: Log of the job.
        outputs: Paths of files that are there, as the job named them.

    Raises:
        InputError: If there is no record, or it cannot be read.
    """
    recorded_outputs = load(path_beside(log))["outputs"]
    return [str(path) for path in outputs if sha256_of(Path(path)) != recorded_outputs.get(str(path), {}).get("sha256")]


def seeds_in(value: Any, name: str = "") -> set[int]:
    """Return every whole number that stands under a name such as "seed" or "seeds", at any depth of settings."""
    if isinstance(value, Mapping):
        return set().union(*(seeds_in(inner, str(key)) for key, inner in value.items()))
    if isinstance(value, list | tuple):
        return set().union(*(seeds_in(inner, name) for inner in value))
    if name in ("seed", "seeds") and str(value).isdecimal():
        return {int(value)}
    return set()


def loaded_library(files: Mapping[str, str]) -> dict[str, str]:
    """Return the sums of the files of this library among those of loaded modules, by path relative to the root of the project.

    Those of them that are not code of the job are its plumbing: they carry out and record what the code says, and are no evidence.

    Args:
        files: From `modules.files_of`.
    """
    return {recorded: sha256_of(path) for recorded, path in _library_files(files).items()}


def check_loaded(files: Mapping[str, str], recorded: Mapping[str, str]) -> None:
    """Check that the files of this library were compiled as they are recorded, by this process and those that it speaks for.

    Args:
        files: From `modules.files_of`.
        recorded: sha256 by path relative to the root of the project.

    Raises:
        InputError: If one was another when this process loaded it.
    """
    for name, path in _library_files(files).items():
        if LOADED.get(str(path), recorded.get(name)) != recorded.get(name):
            raise InputError(
                f"{name}: changed while the job started, so what ran is not what would be recorded; run Snakemake again"
            )


def _library_files(files: Mapping[str, str]) -> dict[str, Path]:
    """Files of this library by their paths relative to the root of the project."""
    paths = sorted({Path(file) for name, file in files.items() if name.split(".")[0] == PACKAGE})
    return {(FOLDER / path.relative_to(HERE)).as_posix(): path for path in paths if path.is_relative_to(HERE)}


def machine() -> dict[str, str]:
    """Return the kind of machine: results are the same bytes only on one kind."""
    kind = {"system": platform.platform(), "processor": _processor(), "architecture": platform.machine()}
    return {name: value or NOT_KNOWN for name, value in kind.items()}


def libraries() -> list[dict[str, Any]]:
    """Return the loaded libraries of linear algebra and threads: name, version, the processor that they chose code for, threads."""
    keys = ("internal_api", "version", "architecture", "num_threads")
    entries = [{key: entry.get(key) for key in keys} for entry in threadpoolctl.threadpool_info()]
    return sorted(entries, key=lambda entry: json.dumps(entry, sort_keys=True))


def _state_of_packages(files: Mapping[str, str], before: Mapping[str, packages.Files]) -> dict[str, Any]:
    """Sums of packages and what is altered of them, as far as that is known: before the work, or after it of those loaded by it."""
    after = packages.files_of(loaded_packages({*sys.modules, *files}), NOTES)
    found = {**after, **before}
    altered = {name: [*found[name].altered, *others] for name, others in packages.not_listed(files).items()}
    altered |= {name: list(of.altered) for name, of in found.items() if of.altered and name not in altered}
    for name in before:
        if before[name] != after.get(name):
            altered.setdefault(name, []).append("while the job ran")
    return {"package_sums": {name: of.sha256 for name, of in found.items() if of.sha256}, "altered_packages": altered}


def _by_recorded_name(inputs: Mapping[str, str]) -> dict[str, str]:
    """Sums by the names that records have for files."""
    return {recorded_name(path, sha256): sha256 for path, sha256 in inputs.items()}


def _peak_memory() -> int:
    """Largest memory of this process in bytes, where the system tells it apart from that of the process that started it."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    peaks = [int(line.split()[1]) for line in lines if line.startswith("VmHWM:")]
    if peaks:
        return 1024 * peaks[0]
    # In bytes on macOS, in kibibytes elsewhere.
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def _processor() -> str:
    """The processor's name as the system tells it; Python itself only knows its architecture."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.processor())


def _utc(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
