"""The project around us, its files by their paths, and which of its studies a question is about."""

from collections.abc import Callable
from pathlib import Path

from sgdphysics.errors import InputError
from sgdphysics.provenance.places import path_within as path_within  # where it was
from sgdphysics.provenance.reading import load
from sgdphysics.provenance.record import CRATE


def root_above(path: Path) -> Path:
    """Return the folder of the project, above a file or above where we are; raises `InputError` where there is none."""
    here = path.absolute() if path != Path() else Path.cwd()
    for folder in (*([here] if here.is_dir() else []), *here.parents, Path.cwd(), *Path.cwd().parents):
        if (folder / "workflow").is_dir() and ((folder / "Snakefile").is_file() or (folder / "results").is_dir()):
            return folder
    raise InputError(f"{here}: neither this nor a folder above it is the project (expected workflow/ and Snakefile there)")


def recorded_studies(root: Path) -> list[str]:
    """Return the names of the studies that have a record."""
    return sorted(path.parents[1].name for path in root.glob(f"results/*/{CRATE}") if path.is_file())


def study_asked_for(root: Path, named: str | None, path: str | None, default: Callable[[], str]) -> str:
    """Return the study that is asked for: named, or that of the file or the first that knows it, or the only or the default one.

    Args:
        root: Folder of the project.
        named: The study, if the question says so.
        path: Path of the file that it is about, if of one.
        default: Returns the study that Snakemake makes where nothing else is said, empty if there is none.

    Raises:
        InputError: If there is no such study, or none can be told.
    """
    recorded = recorded_studies(root)
    if named:
        if named not in {folder.name for folder in root.glob("results/*")}:
            raise InputError(
                f"--study: found {named!r}, expected one of {', '.join(recorded) or 'none: no study has a record yet'}"
            )
        if named not in recorded and (others := [study for study in recorded if _has_files_of(root, study, named)]):
            raise InputError(f"--study: {named!r} has no record of its own; its files are in that of {', '.join(others)}")
        return named
    parts = Path(path or "").parts
    is_of_study = len(parts) > 2 and parts[0] in ("results", "figures") and parts[1] != "runs"
    if is_of_study and parts[1] in recorded:
        return parts[1]
    if not recorded:
        raise InputError("no study has a record yet; it is written when a study finishes")
    if path:
        # A study that is set beside another one has no record of its own.
        return next((study for study in recorded if _knows(root, study, path)), parts[1] if is_of_study else recorded[0])
    study = recorded[0] if len(recorded) == 1 else default()
    if study not in recorded:
        raise InputError(
            f"--study: several studies have a record, but not that of config/config.yaml; expected one of {', '.join(recorded)}"
        )
    return study


def _has_files_of(root: Path, study: str, other: str) -> bool:
    """Whether a study's record speaks of files of another one."""
    try:
        return any(path.startswith((f"results/{other}/", f"figures/{other}/")) for path in load(root, study).sums)
    except InputError:
        return False


def _knows(root: Path, study: str, path: str) -> bool:
    """Whether a study's record speaks of a file; one that cannot be read does not."""
    try:
        return path in load(root, study).sums
    except InputError:
        return False
