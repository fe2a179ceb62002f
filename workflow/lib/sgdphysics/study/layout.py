"""Where the files of studies lie, and which of them belong to a study."""

import functools
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from sgdphysics.errors import InputError
from sgdphysics.runs import run_id
from sgdphysics.study import grids, studies


class Layout:
    """The files of all studies, as far as rules declare them: every table, figure and measurement has its name in its rule alone.

    Args:
        complete: Complete studies by name.
        trained: Chunks of runs that were trained before.
        taken: Names of the studies whose tables are taken as they were published.
        papers: Keys of the papers that have a section and a notebook.

    Attributes:
        tables: Names of the tables that rules make of a study, in the order of the rules.
        figures: Names of the figures.
        drawn_tables: Paths of the tables that each figure is drawn from, with ``{study}`` in them, once all rules are known.
        measurements: File names of what is measured on every trained chunk, by the section whose chunks they are.
        taken: As given.
        chunks: Every chunk of every study by names of ensemble and chunk.
    """

    def __init__(
        self, complete: Mapping[str, Any], trained: Iterable[grids.Chunk], taken: Collection[str], papers: Iterable[str]
    ) -> None:
        self._studies, self._trained = complete, list(trained)
        self.papers = list(papers)
        self.taken = taken
        self.tables: list[str] = []
        self.figures: list[str] = []
        self.drawn_tables: dict[str, list[str]] = {}
        self.measurements: dict[str, list[str]] = {paper: [] for paper in self.papers}
        self.chunks_of = functools.cache(self._chunks_of)
        self.chunks = {(chunk.ensemble, chunk.name): chunk for study in complete for chunk in self.chunks_of(study)}

    @property
    def made(self) -> list[str]:
        """Names of the studies whose tables are made, not taken."""
        return [name for name in self._studies if name not in self.taken]

    def _chunks_of(self, study: str, section: str | None = None) -> list[grids.Chunk]:
        """The chunks that a study needs; of a section those that it needs."""
        return studies.chunks_of(self._studies[study], section, self._trained)

    def networks(self, study: str, section: str | None = None) -> list[str]:
        """Return the files of trained networks that a study, or a section of it, needs."""
        return [f"results/runs/{chunk.ensemble}/{chunk.name}.safetensors" for chunk in self.chunks_of(study, section)]

    def networks_of(self, study: str, section: str, runs: Collection[str]) -> list[str]:
        """Return those of the files of a section's networks that hold any of the named runs."""
        chunks = self._chunks_with(study, section, runs)
        return [f"results/runs/{chunk.ensemble}/{chunk.name}.safetensors" for chunk in chunks]

    def measured_of(self, study: str, name: str, runs: Collection[str]) -> list[str]:
        """Return those of the files of one measurement of a study that hold any of the named runs, as `networks_of` does."""
        chunks = self._chunks_with(study, self._section_of(name), runs)
        return [f"results/{study}/measure/{chunk.ensemble}/{chunk.name}/{name}" for chunk in chunks]

    def _chunks_with(self, study: str, section: str, runs: Collection[str]) -> list[grids.Chunk]:
        return [chunk for chunk in self.chunks_of(study, section) if any(run_id(run, chunk.dataset) in runs for run in chunk.runs)]

    def _section_of(self, name: str) -> str:
        (section,) = [section for section, names in self.measurements.items() if name in names]
        return section

    def measured(self, study: str, name: str) -> list[str]:
        """Return the files of one measurement of a study, one for every chunk that its section needs."""
        chunks = self.chunks_of(study, self._section_of(name))
        return [f"results/{study}/measure/{chunk.ensemble}/{chunk.name}/{name}" for chunk in chunks]

    def tables_of(self, study: str, names: Iterable[str] | None = None) -> list[str]:
        """Return the files of a study's tables, or of the named ones; of a study whose tables are taken, those that are there."""
        paths = [f"results/{study}/tables/{name}.csv" for name in (self.tables if names is None else names)]
        return [path for path in paths if study not in self.taken or Path(path).exists()]

    def with_tables(self, names: Collection[str]) -> list[str]:
        """Return the studies whose tables are taken that have all of the named ones."""
        return [study for study in self.taken if len(self.tables_of(study, names)) == len(names)]

    def stays_as_published(self, study: str, figure: str) -> bool:
        """Return whether a figure is not drawn anew, since the study is published without a table that it needs today."""
        return study in self.taken and not all(Path(path.format(study=study)).exists() for path in self.drawn_tables[figure])

    def check_wanted(self, paths: Iterable[str]) -> None:
        """Check that none of some paths is a table or figure that a published study lacks the tables for.

        Raises:
            InputError: With one line that names the path, the study and the first of these tables.
        """
        for path in paths:
            study = next((name for name in self.taken if path.startswith((f"figures/{name}/", f"results/{name}/tables/"))), None)
            needed = self.drawn_tables.get(Path(path).stem, []) if path.startswith("figures/") else [path]
            tables = [table.replace("{study}", study) for table in needed] if study else []
            lacking = [table for table in tables if not Path(table).exists()]
            if lacking:
                stays = "stays as it was published" if Path(path).exists() else "cannot be made"
                raise InputError(
                    f"{path}: {stays}, since study {study} was published without {lacking[0]}; "
                    "--config published_tables=made makes its tables anew"
                )

    def figures_of(self, study: str, paper: str = "") -> list[str]:
        """Return the names of a study's figures, or those of a paper: all that can be drawn, or that are published with it."""
        return [
            figure
            for figure in self.figures
            if figure.startswith(paper)
            and (not self.stays_as_published(study, figure) or Path(f"figures/{study}/{figure}.png").exists())
        ]

    def beside(self, study: str, paper: str = "feng2021") -> list[str]:
        """Return the studies that a paper's notebook sets beside a study."""
        return self._studies[study][paper].get("compared_studies", [])

    def settings_that_differ(self, study: str, paper: str, keys: Iterable[str]) -> dict[str, dict[str, Any]]:
        """Return, of each study that is set beside a study, those of the named settings of a section that it has otherwise."""
        section = self._studies[study][paper]
        others = {other: self._studies[other][paper] for other in self.beside(study, paper)}
        return {name: {key: other[key] for key in keys if other[key] != section[key]} for name, other in others.items()}

    def results(self, study: str) -> list[str]:
        """Return all that the record of a study speaks of.

        Intermediates are listed too: a missing one is no reason for Snakemake to make it again. The results of a study whose tables
        are taken begin with them.
        """
        intermediates = [
            *self.networks(study),
            *(path for names in self.measurements.values() for name in names for path in self.measured(study, name)),
            f"results/{study}/measure/dropout.csv",
        ]
        return [
            *([] if study in self.taken else intermediates),
            *self.tables_of(study),
            *(f"figures/{study}/{figure}.{extension}" for figure in self.figures_of(study) for extension in ("pdf", "png")),
            f"results/{study}/claims.csv",
            f"results/{study}/claim_tests.csv",
            f"results/{study}/claims.txt",
            *(f"results/{study}/report/{paper}.{extension}" for paper in self.papers for extension in ("html", "ipynb")),
        ]

    def everything(self, study: str) -> list[str]:
        """Return the targets of a study: its results, their record, the report page, and what confirms both."""
        return [
            *self.results(study),
            f"results/{study}/provenance/ro-crate-metadata.json",
            f"results/{study}/report/index.html",
            f"results/{study}/provenance/manifest.txt",
        ]
