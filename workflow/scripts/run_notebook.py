"""Execute the notebook of a paper on a study's tables, and make a page of it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nbformat

from sgdphysics.files import write_atomically
from sgdphysics.provenance import jobs
from sgdphysics.report import notebooks


def run(
    notebook: Path,
    parameters: Mapping[str, Any],
    links: Mapping[str, str],
    outputs: Mapping[str, Path],
    modules: dict[str, str] | None = None,
) -> None:
    """Write the executed notebook and its page, neither if a cell fails; the modules of its kernel are added to those given."""
    executed = notebooks.execute(notebook, parameters, modules)
    page = notebooks.page(executed, links)
    write_atomically(outputs["notebook"], lambda path: path.write_text(nbformat.writes(executed) + "\n", encoding="utf-8"))
    write_atomically(outputs["page"], lambda path: path.write_text(page, encoding="utf-8"))


if __name__ == "__main__":
    with jobs.logged_job(snakemake) as job:
        run(
            Path(snakemake.input.notebook),
            {
                "study": snakemake.wildcards.study,
                "tables": str(Path(snakemake.input.tables[0]).parent),
                "ledger": str(Path(snakemake.input.claims).parent),
                "figures": str(Path(snakemake.input.figures[0]).parent),
                "captions": {
                    Path(figure).stem: str(caption)
                    for figure, caption in zip(snakemake.input.figures, snakemake.input.captions, strict=True)
                },
                "compared": [
                    {"study": study, "tables": str(folder), "settings": settings}
                    for folder, (study, settings) in zip(
                        dict.fromkeys(Path(table).parent for table in snakemake.input.compared),
                        snakemake.params.compared.items(),
                        strict=True,
                    )
                ],
                "settings": snakemake.params.settings,
                "stated": snakemake.params.stated,
            },
            snakemake.params.links,
            {name: Path(snakemake.output[name]) for name in ("page", "notebook")},
            job.modules,
        )
