"""The report page of a study: what was claimed and found, the figures, and what it took, in one file that needs no network.

Tables, figures and texts go in, HTML comes out. All text is escaped by the template; only captions (converted by docutils, without
raw HTML or other files), the style sheet and the scripts are taken as they are, and only those scripts may run.
"""

import base64
import csv
import hashlib
import math
import re
import struct
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
import pandas as pd
from markupsafe import Markup

from sgdphysics.errors import InputError
from sgdphysics.report.narrative import caption_html, number, plain

VERDICTS = ["replicated", "partly", "inconclusive", "not replicated"]  # in the order in which they are shown
COMPARISONS = {"equal_loss": "at equal training loss", "equal_epochs": "after equally many epochs"}
_CLAIM_COLUMNS = ["claim", "paper", "kind", "statement", "verdict", "figure"]
_TEST_COLUMNS = (
    *("claim", "primary", "test", "statistic", "predicted", "region", "setting", "settings", "settings_held", "value", "ci_low"),
    *("ci_high", "n_seeds", "outcome", "p_value", "p_value_holm", "smallest_effect", "tables"),
)
_POINT_COLUMNS = ["sweep", "dose", "seed", "point", "deciding", "weight_spread", "slope_spread", "gap"]
_PNG = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True)
class Test:
    """A test of a claim, as shown.

    Attributes:
        name, statistic, predicted, region, setting, found, outcome, tables: Texts; ``found`` is the value with its interval.
        primary: Whether it is the claim's first.
        value: The number by which claims are sorted, None where there is none.
        seeds: Number of seeds, 0 where none enters.
        p_value, p_value_holm, smallest_effect: Numbers as text, empty where there are none.
    """

    name: str
    statistic: str
    predicted: str
    region: str
    setting: str
    found: str
    outcome: str
    tables: str
    primary: bool
    value: float | None
    seeds: int
    p_value: str
    p_value_holm: str
    smallest_effect: str


@dataclass(frozen=True)
class Claim:
    """A claim with its verdict.

    Attributes:
        name, paper, kind, statement, verdict, figure: As in the ledger.
        stated: Where the paper or talk says it.
        reason: The rule that made the verdict, in words.
        tests: All of them, the primary one first.
    """

    name: str
    paper: str
    kind: str
    statement: str
    verdict: str
    figure: str
    stated: str
    reason: str
    tests: tuple[Test, ...]

    @property
    def rank(self) -> int:
        """Place of the verdict among all verdicts."""
        return VERDICTS.index(self.verdict)


@dataclass(frozen=True)
class Figure:
    """A picture with its caption.

    Attributes:
        name: Such as ``feng2021_fig1``.
        title: First bold words of the caption.
        caption: As HTML.
        picture: The PNG file as a data address.
        width, height: In pixels.
    """

    name: str
    title: str
    caption: Markup
    picture: str
    width: int
    height: int

    @property
    def paper(self) -> str:
        """Key of the paper."""
        return self.name.split("_")[0]


@dataclass(frozen=True)
class Stage:
    """What the jobs of one rule took.

    Attributes:
        name: The rule.
        jobs, recorded: Number of jobs, and of those with a record.
        seconds: Sum over jobs, None where no job has a record.
        memory: Largest resident memory of a job, MB; None where no job has a record.
    """

    name: str
    jobs: int
    recorded: int
    seconds: float | None
    memory: float | None


def claims(ledger: pd.DataFrame, tests: pd.DataFrame, stated: Mapping[str, str]) -> list[Claim]:
    """Return the claims of a study with their tests, in the order of the ledger.

    Args:
        ledger: ``claims.csv``.
        tests: ``claim_tests.csv``.
        stated: Where each claim is stated, by claim.

    Raises:
        InputError: If a column is missing, a verdict is unknown, or a claim has no test.
    """
    _check_columns("claims.csv", ledger, _CLAIM_COLUMNS)
    _check_columns("claim_tests.csv", tests, _TEST_COLUMNS)
    return [_claim(row, tests[tests["claim"] == row["claim"]], stated) for _, row in ledger.iterrows()]


def _claim(row: pd.Series, rows: pd.DataFrame, stated: Mapping[str, str]) -> Claim:
    name, verdict = str(row["claim"]), str(row["verdict"])
    if verdict not in VERDICTS:
        raise InputError(f"claims.csv: {name}: found verdict {verdict!r}, expected one of {', '.join(VERDICTS)}")
    if rows.empty:
        raise InputError(f"claim_tests.csv: no test of {name}")
    tests = tuple(_test(test) for _, test in rows.sort_values("primary", ascending=False, kind="stable").iterrows())
    texts = {key: str(row[key]) for key in ("paper", "kind", "statement", "figure")}
    return Claim(name, verdict=verdict, stated=stated.get(name, ""), reason=reason(verdict, tests), tests=tests, **texts)


def _test(row: pd.Series) -> Test:
    texts = {key: _text(row[key]) for key in ("predicted", "outcome", "tables")}
    several = f" ({row['settings_held']:.0f} of {row['settings']:.0f} settings held)" if row["settings"] > 1 else ""
    return Test(
        name=plain(row["test"]),
        statistic=plain(row["statistic"]),
        region=_text(row["region"]).replace("-", "−"),
        setting=_text(row["setting"]) + several,
        found=interval(row["value"], row["ci_low"], row["ci_high"]),
        primary=bool(row["primary"]),
        value=float(row["value"]) if np.isfinite(row["value"]) else None,
        seeds=int(row["n_seeds"]),
        **{key: number(row[key]) if pd.notna(row[key]) else "" for key in ("p_value", "p_value_holm", "smallest_effect")},
        **texts,
    )


def interval(value: float, low: float, high: float) -> str:
    """Return a number with its interval as text; without an interval where that is a point or has no ends."""
    if not math.isfinite(value):
        return "no value"
    ends = math.isfinite(high - low) and not low == value == high
    return number(value) + (f" [{number(low)}, {number(high)}]" if ends else "")


def reason(verdict: str, tests: Sequence[Test]) -> str:
    """Return the rule that made a verdict, in words, with the tests that it turned on.

    Args:
        verdict: One of ``VERDICTS``.
        tests: Tests of the claim, the primary first.
    """
    decisive = [test for test in tests if test.outcome != "reported"]
    if not decisive:
        return "Inconclusive, because no test of this claim decides."
    first, by_outcome = decisive[0], {key: [t.name for t in decisive if t.outcome == key] for key in ("failed", "undecided")}
    if verdict == "replicated":
        only = len(decisive) == 1
        return "Replicated, because the test held." if only else f"Replicated, because all {len(decisive)} tests that decide held."
    if verdict == "not replicated":
        return f"Not replicated, because the primary test, {first.name}, failed: its interval lies wholly outside the region."
    if verdict == "partly":
        return f"Partly, because the primary test, {first.name}, held, but {_listed(by_outcome['failed'])} failed."
    if first.outcome == "undecided":
        return f"Inconclusive, because the primary test, {first.name}, is undecided: neither wholly inside its region nor outside."
    return f"Inconclusive, because no test failed, but {_listed(by_outcome['undecided'])} could not be decided."


def counts(found: Sequence[Claim]) -> list[str]:
    """Return how many claims of each kind were replicated, in words."""
    lines = []
    for kind, total in Counter(claim.kind for claim in found).items():
        held = sum(claim.kind == kind and claim.verdict == "replicated" for claim in found)
        what = "identities hold" if kind == "identity" else f"{kind} claims replicated"
        lines.append(f"{held} of {total} {what}")
    return lines


def tally(found: Sequence[Claim]) -> dict[str, int]:
    """Return the number of empirical claims by verdict; an identity holds by algebra and is only checked."""
    return {verdict: sum(claim.verdict == verdict and claim.kind == "empirical" for claim in found) for verdict in VERDICTS}


def figure(picture: Path, caption: Path) -> Figure:
    """Return a figure with its caption.

    Args:
        picture: A PNG file.
        caption: reStructuredText that starts with a title in bold.

    Raises:
        InputError: If a file is missing, or not what it should be.
    """
    content, text = _bytes(picture), _bytes(caption).decode(errors="replace")
    if content[:8] != _PNG or len(content) < 24:
        raise InputError(f"{picture}: not a PNG picture")
    width, height = struct.unpack(">II", content[16:24])
    title = re.search(r"\*\*(.+?)\*\*", text, re.DOTALL)
    return Figure(
        picture.stem,
        " ".join(title[1].split()) if title else picture.stem,
        Markup(caption_html(text)),
        f"data:image/png;base64,{base64.b64encode(content).decode()}",
        width,
        height,
    )


def plane(points: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the points that decide, in the plane of size and sharpness, for the interactive plot.

    Args:
        points: Table ``feng2023_points``.

    Returns:
        One entry per sweep and comparison: "sweep", "comparison" (key of ``COMPARISONS``), and lists of equal length "dose",
        "seed", "size", "sharpness" and "gap". Points that a logarithmic axis cannot show are left out.

    Raises:
        InputError: If a column is missing.
    """
    rows = _shown_points(points)
    return [
        {
            "sweep": plain(sweep),
            "comparison": comparison,
            "dose": _rounded(own["dose"]),
            "seed": [int(seed) for seed in own["seed"]],
            "size": _rounded(own["weight_spread"]),
            "sharpness": _rounded(own["slope_spread"]),
            "gap": _rounded(own["gap"]),
        }
        for (sweep, comparison), own in rows.groupby(["sweep", "point"], sort=False)
    ]


def plane_means(points: pd.DataFrame) -> list[dict[str, str]]:
    """Return the same points as text: number of runs and means (of the spreads geometric ones) per comparison, sweep and dose.

    Raises:
        InputError: If a column is missing.
    """
    rows = _shown_points(points).sort_values(["point", "sweep", "dose"], ascending=[False, True, True], kind="stable")
    return [
        {
            "comparison": COMPARISONS[comparison],
            "sweep": plain(sweep),
            "dose": f"{dose:g}",
            "runs": str(len(own)),
            "size": number(np.exp(np.log(own["weight_spread"]).mean())),
            "sharpness": number(np.exp(np.log(own["slope_spread"]).mean())),
            "gap": number(own["gap"].mean()),
        }
        for (comparison, sweep, dose), own in rows.groupby(["point", "sweep", "dose"], sort=False)
    ]


def _shown_points(points: pd.DataFrame) -> pd.DataFrame:
    _check_columns("feng2023_points.csv", points, _POINT_COLUMNS)
    rows = points[points["deciding"].astype(bool) & points["point"].isin(COMPARISONS)]
    spreads = rows[["weight_spread", "slope_spread"]]
    return rows[(np.isfinite(spreads) & (spreads > 0)).all(axis=1) & np.isfinite(rows["gap"])]


def _rounded(values: pd.Series) -> list[float]:
    """Five digits: more than a screen can show."""
    return [float(f"{value:.5g}") for value in values]


def stages(files: Mapping[str, Sequence[Path]]) -> list[Stage]:
    """Return what each stage took, from Snakemake's benchmark files; those that are missing count as jobs without a record.

    Args:
        files: Benchmark files by rule.

    Raises:
        InputError: If a file is not a benchmark.
    """
    return [_stage(name, [_benchmark(path) for path in paths]) for name, paths in files.items()]


def total(found: Iterable[Stage]) -> Stage:
    """Return all stages together: the sum of their seconds, the largest memory."""
    found = list(found)
    seconds = [stage.seconds for stage in found if stage.seconds is not None]
    memory = [stage.memory for stage in found if stage.memory is not None]
    counted = (sum(stage.jobs for stage in found), sum(stage.recorded for stage in found))
    return Stage("all stages", *counted, sum(seconds) if seconds else None, max(memory, default=None))


def _stage(name: str, records: Sequence[tuple[float, float] | None]) -> Stage:
    known = np.array([record for record in records if record is not None]).reshape(-1, 2)
    seconds, memory = (column[np.isfinite(column)] for column in known.T)
    return Stage(
        name,
        len(records),
        len(known),
        float(seconds.sum()) if len(seconds) else None,
        float(memory.max()) if len(memory) else None,
    )


def _benchmark(path: Path) -> tuple[float, float] | None:
    """Seconds and MB of one job; NaN where Snakemake could not measure, None without a file."""
    if not path.is_file():
        return None
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    try:
        seconds, memory = ([_measured(row[key]) for row in rows] for key in ("s", "max_rss"))
        return math.fsum(seconds), max(memory)
    except (KeyError, ValueError, TypeError):
        raise InputError(f"{path}: not a benchmark of Snakemake") from None


def _measured(text: str) -> float:
    return math.nan if text in {"NA", "-", ""} else float(text)


def duration(seconds: float | None) -> str:
    """Return a time in words."""
    if seconds is None:
        return "not recorded"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def memory(megabytes: float | None) -> str:
    """Return an amount of memory in words."""
    if megabytes is None:
        return "not recorded"
    return f"{megabytes:.0f} MB" if megabytes < 1000 else f"{megabytes / 1000:.1f} GB"


def dataset(name: str, entry: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return what there is to know of a data set: lines of text by what they say.

    Args:
        name: Of the data set.
        entry: Of ``datasets.yaml``.
    """
    sources = {
        "embedded": [f"comes with a Python package, loader {entry.get('loader')}"],
        "idx_download": [f"downloaded from {mirror}" for mirror in entry.get("mirrors", [])],
        "idx_directory": [f"own files in {entry.get('directory')}"],
    }
    checksums = [f"{file}: {details['sha256']}" for file, details in entry.get("files", {}).items()]
    checksums += [entry["sha256"]] if entry.get("sha256") else []
    shape = entry.get("image_shape")
    known = {
        "data set": [f"{name}, version {entry.get('version', 'not given')}"],
        "what it is": [entry.get("description")],
        "source": sources.get(str(entry.get("kind")), []),
        "licence": [entry.get("licence")],
        "to cite": [entry.get("citation")],
        "images": [f"{shape[0]} × {shape[1]} pixels" if shape else None],
        "classes": [entry.get("classes")],
        "training images": [f"{entry['training_images']:,}" if entry.get("training_images") else None],
        "SHA-256": checksums or ["none is asked for"],
    }
    lines = {what: [str(line) for line in said if line is not None] for what, said in known.items()}
    return {what: said for what, said in lines.items() if said}


def citations(citation: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return the software and the works that it refers to, each as "text" and "doi" (may be empty).

    Args:
        citation: Content of a ``CITATION.cff``.

    Raises:
        InputError: If a field that a citation needs is missing.
    """
    try:
        software = f"{_authors(citation)}. {citation['title']}. Version {citation['version']}. Licence: {citation['license']}."
        works = [{"text": _article(work), "doi": work.get("doi", "")} for work in citation["references"]]
    except KeyError as error:
        raise InputError(f"CITATION.cff: no {error.args[0]}") from None
    return [{"text": software, "doi": citation.get("doi", "")}, *works]


def _article(work: Mapping[str, Any]) -> str:
    issue = f"({work['issue']})" if "issue" in work else ""
    pages = f"{work['start']}–{work['end']}" if "end" in work else work["start"]
    return f"{_authors(work)}. {work['title']}. {work['journal']} {work['volume']}{issue}, {pages} ({work['year']})."


def _authors(work: Mapping[str, Any]) -> str:
    return _listed([author.get("name") or f"{author['given-names']} {author['family-names']}" for author in work["authors"]])


def _listed(names: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


def page(template: str, style: str, scripts: Mapping[str, str], content: Mapping[str, Any]) -> str:
    """Return the page.

    Args:
        template: Jinja2 template; all that it shows is escaped.
        style: The style sheet.
        scripts: Scripts by name; the page forbids all others, and all loading from elsewhere.
        content: Everything else that the template shows.

    Raises:
        InputError: If a script or style sheet would end its own element.
    """
    for name, text in {**scripts, "style sheet": style}.items():
        if re.search(r"</(script|style)|<!--", text, re.IGNORECASE):
            raise InputError(f"{name}: must not hold the end of a script or style element, or a comment of HTML")
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {"duration": duration, "memory": memory, "breakable": _breakable}
    return environment.from_string(template).render(
        content,
        style=Markup(style),
        scripts={name: Markup(text) for name, text in scripts.items()},
        script_hashes=[_hash(text) for text in scripts.values()],
    )


def _hash(text: str) -> str:
    """By which a browser knows a script that may run."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _breakable(name: str) -> Markup:
    """Let a long name break after its underscores."""
    return Markup("_<wbr>").join(name.split("_"))


def _check_columns(name: str, table: pd.DataFrame, columns: Iterable[str]) -> None:
    missing = [column for column in columns if column not in table]
    if missing:
        raise InputError(f"{name}: no column {', '.join(missing)}")


def _text(value: Any) -> str:
    return str(value) if pd.notna(value) else ""


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
