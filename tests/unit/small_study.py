"""A study of five jobs in a folder, with a record and a report page, made by the library's own functions in a moment."""

import contextlib
import functools
import io
import itertools
import json
import re
import shutil
import tempfile
from pathlib import Path
from types import SimpleNamespace

import yaml

from sgdphysics import command_line
from sgdphysics.files import sha256_of
from sgdphysics.provenance import audit, confirmation, crate, job_records
from sgdphysics.provenance.rule_dates import RuleDate
from sgdphysics.study import inheritance

FOLDER = "results/small/provenance"
CRATE, PAGE = f"{FOLDER}/ro-crate-metadata.json", "results/small/report/index.html"
MANIFEST, LIST = f"{FOLDER}/manifest.txt", f"{FOLDER}/not_kept.txt"
DATA, FIGURE = "data/digits.bin", "figures/small/fig.svg"
READ, UNREAD = "results/small/tables/a.csv", "results/small/tables/b_settings.csv"
LEDGER, TESTS = "results/small/claims.csv", "results/small/claim_tests.csv"
LIBRARY, SCRIPTS = "workflow/lib/sgdphysics/shared.py", "workflow/scripts"
CONFIGURATION = "config/config.yaml"
LEDGER_TEXT = """claim,statistic,value,ci_low,ci_high,n_seeds,verdict
first,slope,-1.0,-1.5,-0.5,5,replicated
second,ratio,2.0,1.0,3.0,5,partly
"""
ANSWERED_BY = "answered by sgdphysics as it is installed elsewhere, not by code of this tree\n"
# Rule -> library files, inputs, outputs with their content.
RULES = {
    "prepare": ((), (), {DATA: "digits\n"}),
    "tabulate_a": ((LIBRARY,), (DATA,), {READ: "a\n1\n"}),
    "tabulate_b": ((LIBRARY,), (DATA,), {UNREAD: "b\n2\n"}),
    "draw": ((), (READ,), {FIGURE: "<svg/>\n"}),
    "decide_claims": (
        (),
        (READ, UNREAD),
        {LEDGER: LEDGER_TEXT, TESTS: "claim,tables\nfirst,a\nsecond,a; b_settings\n"},
    ),
}
PARAMS = {
    "prepare": {"entry": {"version": "1", "licence": "free"}},
    "tabulate_a": {"seeds": [1, 2], "rate": 0.5},
    "decide_claims": {"claims": [{"id": "first"}, {"id": "second"}]},
}
SETTINGS = {
    CONFIGURATION: "study: small\nstudies:\n  base: {dataset: digits, part: {rate: 0.1, seeds: [1, 2]}}\n",
    "config/small.yaml": "studies:\n  small: {like: base, part: {rate: 0.5}}\n",
    "config/claims.yaml": "claims: [{id: first}, {id: second}]\n",
    "config/datasets.yaml": "datasets: {digits: {version: '1', licence: free, mirrors: [here]}}\n",
}
FURTHER = ("Snakefile", *SETTINGS)
RULE_DATES = {
    "first": RuleDate("b" * 40, "2020-01-01T00:00:00+00:00"),
    "second": RuleDate("not known: no repository here"),
}
MADE_FROM = {
    output: {f"{SCRIPTS}/{rule}.py", *library, *inputs} for rule, (library, inputs, outputs) in RULES.items() for output in outputs
}


class Inputs(list):
    """Input files of a job as Snakemake hands them over: a list of all, and those of a name as an attribute."""

    def __init__(self, code, others):
        super().__init__([*others, *code])
        self.code = list(code)


def job(rule, code=(), inputs=(), outputs=(), log="job.log", **other):
    """Snakemake's object of a job, as far as records need it."""
    given = {"wildcards": {}, "params": {}, "threads": 1, **other}
    return SimpleNamespace(rule=rule, input=Inputs(code, inputs), output=list(outputs), log=[str(log)], **given)


def write(root, files):
    """Write files, text by path."""
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


def run_job(root, rule, outputs=None):
    """Run one job, perhaps with other content of its outputs than above; returns the path of its record."""
    library, inputs, usual = RULES[rule]
    outputs = outputs or usual
    log = Path(f"results/small/logs/{rule}.log")
    with contextlib.chdir(root):
        write(Path(), {str(log): ""})
        code = [f"{SCRIPTS}/{rule}.py", *library]
        with job_records.recorded(job(rule, code, inputs, outputs, log, params=PARAMS.get(rule, {}))):
            write(Path(), outputs)
    return str(job_records.path_beside(log))


def run_jobs(root):
    """Run the five jobs; returns their records by path."""
    write(root, {**SETTINGS, "Snakefile": "rule all:\n", LIBRARY: "# shared\n"})
    write(root, {f"{SCRIPTS}/{rule}.py": f"# {rule}\n" for rule in RULES})
    return {path: job_records.load(root / path) for path in [run_job(root, rule) for rule in RULES]}


def described(root, records):
    """What the record says of the study as a whole."""
    settings = {}
    for name in (CONFIGURATION, "config/small.yaml"):
        settings = inheritance.merged(settings, yaml.safe_load((root / name).read_text()))
    settings = inheritance.resolved(settings)["studies"]["small"]
    copies = {f"{FOLDER}/settings.yaml": yaml.safe_dump(settings), f"{FOLDER}/README.md": "# The record\n"}
    write(root, copies)
    names = {*FURTHER, *copies, *(name for record in records.values() for key in ("inputs", "outputs") for name in record[key])}
    # Code of jobs that were taken over from an earlier record may have another name by now.
    names |= {name for record in records.values() for name in record["code"] if (root / name).is_file()}
    return crate.Study(
        name="small",
        description="A small study",
        folder=FOLDER,
        workflow="Snakefile",
        licence="https://spdx.org/licenses/MIT.html",
        developers="Developers",
        settings=settings,
        settings_file=f"{FOLDER}/settings.yaml",
        command_line_settings={},
        configuration_files=[CONFIGURATION, "config/small.yaml"],
        files={name: {"sha256": sha256_of(root / name), "bytes": (root / name).stat().st_size} for name in names},
        commit="a" * 40,
        changed_files=[],
        packages={"numpy": {"version": "2", "sha256": "0" * 64}},
        snakemake="9.27.1",
        data_sets={DATA: {"name": "digits", "description": "Digits", "origin": "here", "licence": "free"}},
        rules=RULE_DATES,
    )


def build(root):
    """Return the crate of the five jobs, run in this folder."""
    records = run_jobs(root)
    return crate.build(described(root, records), crate.jobs_behind([FIGURE, LEDGER], records))


def publish(root, content):
    """Write a record, a manifest, and a report page that prints its sum."""
    write(root, {CRATE: content if isinstance(content, str) else json.dumps(content, indent=1)})
    confirm(root)


def confirm(root, text="Results"):
    """Write a manifest of what is there, and a report page that prints its sum."""
    page = f"<html><body>\n<p>{text}</p>\n{confirmation.page_line('small', '')}\n</body></html>\n"
    page, manifest = confirmation.finished(root, "small", page)
    write(root, {PAGE: page, MANIFEST: manifest})


def anchor(root):
    """Return the sum of the manifest."""
    return sha256_of(root / MANIFEST)


@functools.cache
def _finished():
    folder = tempfile.TemporaryDirectory()  # removed when Python ends
    root = Path(folder.name)
    publish(root, build(root))
    return folder


def finish(root):
    """Put the whole study, record and page into a folder; returns the folder."""
    shutil.copytree(_finished().name, root, dirs_exist_ok=True)
    return root


def records_of(root):
    """Return the records that the jobs of a finished study left, by path."""
    found = sorted((root / "results/small/logs").glob(f"*{job_records.SUFFIX}"))
    return {path.relative_to(root).as_posix(): job_records.load(path) for path in found}


def descendants(names):
    """Return what is made from any of these files, record and page among it, by the rules above."""
    found = set(names)
    while more := {made for made, above in MADE_FROM.items() if above & found} - found:
        found |= more
    return (found | {CRATE, PAGE, MANIFEST}) - set(names)


def answer(root, *arguments):
    """Run the command ``sgdphysics`` in a folder; returns its exit code and what it printed to both streams."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.chdir(root), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = command_line.main(arguments)
        except SystemExit as stop:  # argparse
            code = stop.code
    return code, out.getvalue(), err.getvalue()


def states(root, *arguments):
    """Return state and reason of every file that is not intact, as the command says."""
    _, out, _ = answer(root, "audit", "--all", "--study", "small", "--json", *arguments)
    return {
        name: (told["state"], told["reason"]) for name, told in json.loads(out)["files"].items() if told["state"] != audit.INTACT
    }


LOSSES = (None, 3, [3], {"@id": "#nothing"})  # of a property: it is gone, or has another value


def codes_of_a_record_that_lost(root, in_turn):
    """Exit codes of audits of a record without each property of each kind of entity: maybe an answer or none, but no traceback.

    Each property is lost in one of the ways, in turn, or in all of them.
    """
    (root / MANIFEST).unlink()  # so that nothing tells that the record was another one
    content, codes = json.loads((root / CRATE).read_text()), []
    kinds = {re.sub(r"logs/\w+", "logs/", entity["@id"]): entity for entity in content["@graph"]}
    properties = [(entity, key) for entity in kinds.values() for key in entity]
    losses = zip(properties, itertools.cycle(LOSSES), strict=False) if in_turn else itertools.product(properties, LOSSES)
    for (entity, key), other in losses:
        before = dict(entity)
        entity[key] = other
        if other is None:
            del entity[key]
        (root / CRATE).write_text(json.dumps(content))
        sum_of_record = ("--record-sum", sha256_of(root / CRATE))
        for question in (["--all"], [FIGURE], ["--claim", "first"]):
            code, _, err = answer(root, "audit", *question, *sum_of_record)
            assert err.count("\n") == (code == 2), (before, key, other, err)
            codes.append(code)
        entity.clear()
        entity.update(before)
    return codes
