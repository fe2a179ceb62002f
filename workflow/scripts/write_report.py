"""Write the report page of a study."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import plotly.offline
import yaml

from sgdphysics.errors import InputError
from sgdphysics.files import write_atomically
from sgdphysics.provenance import audit, jobs
from sgdphysics.report import page
from sgdphysics.tables import load_table


def write(
    study: str,
    tables: Mapping[str, Path],
    figures: Mapping[Path, Path],
    sources: Mapping[str, Path],
    details: Mapping[str, Any],
    record: audit.Record,
    output: Path,
) -> None:
    """Write the page.

    Args:
        study: Its name.
        tables: Files of "claims", "tests" and "points".
        figures: Caption file by picture file.
        sources: Files of "template", "style", "script" and "citation".
        details: "scale", "stated" (by claim), "papers" (name by key), "notebooks" (page by key), "settings", "dataset" (its entry);
            "benchmarks", the study's folder of them, "recorded_rules" that must have one there, and "training_benchmarks".
        record: The study's record.
        output: The page.
    """
    claims = page.claims(load_table(tables["claims"]), load_table(tables["tests"]), details["stated"])
    points = load_table(tables["points"])
    settings = details["settings"]
    folder, rules, training = (details[key] for key in ("benchmarks", "recorded_rules", "training_benchmarks"))
    stages = page.stages(all_benchmarks(Path(folder), rules, [Path(path) for path in training]))
    content = {
        **{key: details[key] for key in ("scale", "papers", "notebooks")},
        "study": study,
        "claims": claims,
        "counts": page.counts(claims),
        "tally": page.tally(claims),
        "figures": [page.figure(picture, caption) for picture, caption in figures.items()],
        "comparisons": page.COMPARISONS,
        "plane": page.plane(points),
        "plane_means": page.plane_means(points),
        "settings": yaml.safe_dump(settings, sort_keys=False, default_flow_style=None, allow_unicode=True, width=88),
        "dataset": page.dataset(settings["dataset"], details["dataset"]),
        "record": about(record),
        "stages": sorted(stages, key=lambda stage: -(stage.seconds or 0)),
        "total": page.total(stages),
        "citations": page.citations(citation(sources["citation"])),
    }
    texts = {name: sources[name].read_text(encoding="utf-8") for name in ("template", "style", "script")}
    scripts = {"plotly": plotly.offline.get_plotlyjs(), "script": texts["script"]}
    text = audit.page_with_sum(page.page(texts["template"], texts["style"], scripts, content))
    write_atomically(output, lambda path: path.write_text(text, encoding="utf-8"))


def about(record: audit.Record) -> dict[str, Any]:
    """What the page says of the record."""
    return {
        "sha256": record.today(record.crate),
        **{key: record.facts[key] for key in ("commit", "changed_files")},
        "machines": record.machines,
        "devices": sorted({job.environment["device"] for job in record.jobs}),
        "pythons": sorted({job.environment["python"] for job in record.jobs}),
        "packages": record.packages,
    }


def all_benchmarks(folder: Path, rules: Iterable[str], training: Sequence[Path]) -> dict[str, list[Path]]:
    """The benchmark files by rule: of training, of the rules that must have one, there or not, and all others in the folder."""
    files = {"train_ensemble": list(training), **{rule: [folder / f"{rule}.tsv"] for rule in rules}}
    for path in sorted(folder.rglob("*.tsv")):
        # A rule of one job has a file, one of many a folder.
        rule = files.setdefault(path.relative_to(folder).with_suffix("").parts[0], [])
        if path not in rule:
            rule.append(path)
    files.pop("write_report", None)  # of an earlier page
    return files


def citation(path: Path) -> Mapping[str, Any]:
    try:
        return dict(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (OSError, yaml.YAMLError, TypeError, ValueError) as error:
        raise InputError(f"{path}: not a readable citation ({' '.join(str(error).split())})") from None


if __name__ == "__main__":
    with jobs.logged_job(snakemake):
        write(
            snakemake.wildcards.study,
            {name: Path(snakemake.input[name]) for name in ("claims", "tests", "points")},
            dict(zip(map(Path, snakemake.input.figures), map(Path, snakemake.input.captions), strict=True)),
            {name: Path(snakemake.input[name]) for name in ("template", "style", "script", "citation")},
            {key: value for key, value in snakemake.params.items() if key != "code"},
            audit.load(Path(), snakemake.wildcards.study),
            Path(snakemake.output.page),
        )
