"""Write the report page of a study, and the manifest that confirms it and the record."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import plotly.offline

from sgdphysics.files import write_atomically
from sgdphysics.provenance import audit, confirmation, jobs
from sgdphysics.report import origin, page
from sgdphysics.tables import load_table


def write(
    study: str,
    tables: Mapping[str, Path],
    figures: Mapping[Path, Path],
    sources: Mapping[str, Path],
    details: Mapping[str, Any],
    record: audit.Record,
    output: Path,
    manifest: Path,
) -> None:
    """Write the page and the manifest.

    Args:
        study: Its name.
        tables: Files of "claims", "tests" and "points".
        figures: Caption file by picture file.
        sources: Files of "template", "style", "script" and "citation".
        details: Those of `page.study_content`.
        record: The study's record.
        output: The page.
        manifest: The manifest.
    """
    content = page.study_content(
        study,
        {name: load_table(path) for name, path in tables.items()},
        figures,
        origin.load_citation(sources["citation"]),
        record,
        details,
    )
    texts = {name: sources[name].read_text(encoding="utf-8") for name in ("template", "style", "script")}
    scripts = {"plotly": plotly.offline.get_plotlyjs(), "script": texts["script"]}
    text = page.page(texts["template"], texts["style"], scripts, content)
    text, sums = confirmation.finished(record.root, study, text)
    write_atomically(manifest, lambda path: path.write_text(sums, encoding="utf-8"))
    write_atomically(output, lambda path: path.write_text(text, encoding="utf-8"))


if __name__ == "__main__":
    with jobs.logged_job(snakemake):
        write(
            snakemake.wildcards.study,
            {name: Path(snakemake.input[name]) for name in ("claims", "tests", "points")},
            dict(zip(map(Path, snakemake.input.figures), map(Path, snakemake.input.captions), strict=True)),
            {name: Path(snakemake.input[name]) for name in ("template", "style", "script", "citation")},
            dict(snakemake.params.items()),
            audit.load(Path(), snakemake.wildcards.study),
            Path(snakemake.output.page),
            Path(snakemake.output.manifest),
        )
