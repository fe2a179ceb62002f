"""Every run of a study: its name, its settings, what became of it, and where its networks are."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sgdphysics.errors import InputError, RecordError
from sgdphysics.runs import Run, run_id, settings_of
from sgdphysics.study import grids, published, studies
from sgdphysics.study.configuration import Configuration, laid_over
from sgdphysics.study.studies import SECTIONS
from sgdphysics.study.trained_chunks import trained_chunks
from sgdphysics.tables import load_table
from sgdphysics.tensors import load_metadata

if TYPE_CHECKING:  # torch takes seconds to load
    from sgdphysics.training import Result


@dataclass(frozen=True)
class Entry:
    """One run of a study.

    Attributes:
        name: Of the run, as in the column "run" of tables.
        sections: The sections of the study that need it, such as "feng2021".
        run: Its settings.
        status: What became of it, such as "converged"; "not trained", or of a published study
            "not kept", where its networks are not there.
        epochs: Trained, or None.
        loss: Mean training loss of the last epoch, or None.
        place: File of its networks, with others of its chunk, relative to ``root``; it need not be there.
        root: Folder of the project.
    """

    name: str
    sections: tuple[str, ...]
    run: Run
    status: str
    epochs: int | None
    loss: float | None
    place: str
    root: Path = Path()

    def load(self) -> "Result":
        """Return the trained run: network, checkpoints and histories.

        Raises:
            InputError: If it is not trained, or its file cannot be read.
        """
        from sgdphysics import run_files

        if self.status in (NOT_TRAINED, NOT_KEPT):
            raise InputError(f"{self.name}: {self.status} here: there is no {self.place}")
        return run_files.load_results(self.root / self.place)[self.name]

    def facts(self) -> dict[str, Any]:
        """Return all of this as values of JSON."""
        return {
            "name": self.name,
            "sections": list(self.sections),
            "settings": settings_of(self.run),
            "status": self.status,
            "epochs": self.epochs,
            "loss": self.loss,
            "file": self.place,
        }


NOT_TRAINED = "not trained"
NOT_KEPT = "not kept"  # of a published study, whose tables tell what became of its runs


def entries(study: str | None = None, root: Path = Path(), files: Iterable[Path] = ()) -> list[Entry]:
    """Return every run of a study once, in the order in which its chunks are trained.

    Args:
        study: Its name; None: the one that the configuration names. One that ``config/config.yaml`` does not hold is looked for in
            the file of its name beside it.
        root: Folder of the project.
        files: Files of settings laid over ``config/config.yaml``, as with ``--configfile``.

    Raises:
        InputError: If the configuration has a fault, or no such study.
    """
    settings = laid_over(root, files)
    of_its_name = root / "config" / f"{study}.yaml"
    if study and of_its_name.is_file() and study not in _studies_of(settings):
        settings = laid_over(root, [*files, of_its_name])
    configuration = Configuration(root, settings)
    name = study or configuration.study
    if name not in configuration.studies:
        raise InputError(f"--study: found {name!r}, expected one of {_listed(configuration)}")
    complete = configuration.studies[name]
    needed_by = {section: set(studies.runs_of(complete, section)) for section in SECTIONS}
    chunks = studies.chunks_of(complete, trained=trained_chunks(root / "results" / "runs"))
    is_published = name in published.studies_in(root, configuration.studies, configuration.study)
    not_kept = _runs_in_tables(root / "results" / name / "tables") if is_published else set()
    return [entry for chunk in chunks for entry in _of_chunk(chunk, root, needed_by, not_kept)]


def _runs_in_tables(folder: Path) -> set[str]:
    """Names of the runs of which a study's tables tell what became; of a published one others came later."""
    paths = [folder / f"{name}.csv" for name in ("feng2021_runs", "yang2023_fig4", "feng2023_points")]
    return {name for path in paths if path.is_file() for name in load_table(path)["run"]}


def _listed(configuration: Configuration) -> str:
    return f"{', '.join(sorted(configuration.studies))}, or one of a file of settings that is given too: --configfile FILE"


def _studies_of(settings: Mapping[str, Any]) -> Mapping[str, Any]:
    studies_by_name = settings.get("studies")
    return studies_by_name if isinstance(studies_by_name, Mapping) else {}


def find(candidates: Sequence[Entry], **settings: Any) -> list[Entry]:
    """Return the entries whose runs have these settings, attributes of `runs.Run`.

    Raises:
        InputError: If a run has no setting of one of these names.
    """
    names = Run.__dataclass_fields__
    for name in settings:
        if name not in names:
            raise InputError(f"{name}: no setting of a run; expected some of {', '.join(names)}")
    return [entry for entry in candidates if all(getattr(entry.run, name) == value for name, value in settings.items())]


def lines(runs: Sequence[Entry]) -> list[str]:
    """Return a table of text: name, sections, outcome, file, and the settings that are not at their default and not in the name."""
    rows = [["run", "for", "status", "epochs", "loss", "file", "settings"]]
    for entry in runs:
        loss = "-" if entry.loss is None else f"{entry.loss:.3g}"
        epochs = "-" if entry.epochs is None else str(entry.epochs)
        rows.append([entry.name, ",".join(entry.sections), entry.status, epochs, loss, entry.place, _settings_text(entry.run)])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _settings_text(run: Run) -> str:
    others = {field.name: getattr(run, field.name) for field in fields(run) if getattr(run, field.name) != field.default}
    values = {name: "-".join(map(str, value)) if isinstance(value, tuple) else value for name, value in others.items()}
    return ", ".join(f"{name} {value}" for name, value in values.items() if name not in ("learning_rate", "batch_size", "seed"))


def _of_chunk(chunk: grids.Chunk, root: Path, needed_by: Mapping[str, set[Run]], not_kept: Collection[str]) -> Iterator[Entry]:
    place = f"results/runs/{chunk.ensemble}/{chunk.name}.safetensors"
    outcomes = _outcomes(root / place)
    for run in chunk.runs:
        name = run_id(run, chunk.dataset)
        outcome = outcomes.get(name, {})
        history = outcome.get("loss_history")
        yield Entry(
            name=name,
            sections=tuple(section for section, runs in needed_by.items() if run in runs),
            run=run,
            status=outcome.get("status", NOT_KEPT if name in not_kept else NOT_TRAINED),
            epochs=outcome.get("epochs"),
            loss=history[-1] if history else None,
            place=place,
            root=root,
        )


def _outcomes(file: Path) -> dict[str, Mapping[str, Any]]:
    """What a file of networks says of each run, by name; nothing where it is not there."""
    if not file.is_file():
        return {}
    try:
        outcomes = {entry["name"]: entry for entry in load_metadata(file, "results")["results"]}
        odd = [name for name, outcome in outcomes.items() if not isinstance(outcome.get("loss_history") or [], list)]
        if odd:
            raise TypeError(f"{odd[0]} has no list of losses")
        return outcomes
    except (LookupError, TypeError, AttributeError) as error:
        raise RecordError(f"{file}: not a file of trained runs ({type(error).__name__})") from None
