"""The command ``sgdphysics``: audit the files of a study, publish it, tell what it found, compare two, plan one, list its runs."""

import argparse
import json
import os
import sys
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path

from sgdphysics import command_verify, job_environment
from sgdphysics.command_settings import default_study, parsed, superseding
from sgdphysics.errors import InputError, printable
from sgdphysics.files import write_atomically
from sgdphysics.provenance import answers, audit, compare, confirmation, ledger, own_code, project, publishing, settings_since
from sgdphysics.provenance.reading import load
from sgdphysics.provenance.record import CRATE, MANIFEST, Record
from sgdphysics.study import catalogue
from sgdphysics.study.configuration import Configuration, laid_over

EXIT = """exit codes: 0 all that was asked for is intact (or equal), 1 something is stale, tampered or unknown (or differs), or the
record is not confirmed: by the anchor on the report page or by --record-sum, or a job loaded an altered package, or code of this
tree answers that no commit has, 2 the question cannot be answered: no record, no such study, wrong arguments, or an answer that
takes a commit which is not at hand or a file that is not readable, and nothing else is amiss"""
STATES = """intact: the bytes of the record, and so is all that it was made from; not kept: left out of a published study;
evidence not kept: so is a table, figure, claim, code or settings, which nothing excuses, or a claim decided by that; stale:
something that it was made from has changed since; tampered: not the bytes of the record, or missing; unknown: no record tells, or
only the recorded commit can, which is not at hand, or the file is not readable"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    job_environment.print_any_text()
    options = _parser().parse_args(arguments)
    try:
        with job_environment.applied():
            code = options.run(options)
        sys.stdout.flush()
        return code
    except BrokenPipeError:  # whoever reads, such as `head`, wants no more
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else Python complains when it ends
        return 1
    except KeyboardInterrupt:
        print("sgdphysics: interrupted", file=sys.stderr)
        return 130
    except InputError as error:
        print(printable(f"sgdphysics: {error}"), file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="sgdphysics", description=__doc__, epilog=EXIT)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    # Options are not abbreviated: Snakemake's --config would else be read as --configfile.
    add_command = partial(commands.add_parser, epilog=EXIT, allow_abbrev=False)
    audit_parser = add_command("audit", help="what made a file, and whether it still is that", description=STATES)
    question = audit_parser.add_mutually_exclusive_group(required=True)
    question.add_argument("file", nargs="?", type=Path, help="a figure, table, trained file, report page ... of a study")
    question.add_argument("--claim", help="a row of the ledger, such as inverse_variance_flatness")
    question.add_argument("--all", action="store_true", help="every file of the study")
    audit_parser.add_argument("--study", help="the study; needed where several have a record and the file does not tell")
    audit_parser.add_argument("--record-sum", metavar="SHA256", help="anchor of the study, or sum of its record, as published")
    audit_parser.add_argument("--json", action="store_true", help="the answer as JSON")
    audit_parser.set_defaults(run=_audit)
    command_verify.add(add_command)
    publish_parser = add_command("publish", help="put sources and anchor beside a finished study, to be published with the code")
    publish_parser.add_argument("study", help="the study, with its provenance/not_kept.txt")
    publish_parser.set_defaults(run=_publish)
    tables_parser = add_command("tables", help="what a finished study found, as tables in Markdown")
    tables_parser.add_argument("study", help="the study, decided by this version")
    tables_parser.add_argument(
        "--into", type=Path, metavar="FILE", help="write them below markers such as <!-- verdicts --> of a text"
    )
    tables_parser.set_defaults(run=_tables)
    compare_parser = add_command("compare", help="results of two studies side by side")
    compare_parser.add_argument(
        "studies", nargs=2, type=Path, metavar="STUDY", help="name of a study here, or its folder results/<study>"
    )
    compare_parser.add_argument(
        "--relative", type=float, default=1e-6, help="largest relative difference of numbers (default 1e-6)"
    )
    compare_parser.add_argument("--absolute", type=float, default=1e-12, help="and absolute one (default 1e-12)")
    compare_parser.add_argument(
        "--image-rms", type=float, default=2.0, help="largest root mean square difference of grey levels (default 2)"
    )
    compare_parser.add_argument(
        "--image-local",
        type=float,
        default=compare.IMAGE_LOCAL,
        help=f"and largest one in any 9 x 9 pixels (default {compare.IMAGE_LOCAL:g}: a shift by a pixel is none)",
    )
    compare_parser.set_defaults(run=_compare)
    plan_parser = add_command("plan", help="what a study will take: networks, jobs, core-hours, memory")
    _add_files_of_settings(plan_parser)
    plan_parser.add_argument("--section", action="append", metavar="PAPER", help="only what this paper needs; may be repeated")
    plan_parser.add_argument("--cores", type=_count, default=2, help="for how many cores the hours are told (default 2)")
    plan_parser.set_defaults(run=_plan)
    runs_parser = add_command("runs", help="every run of a study: settings, outcome, file")
    runs_parser.add_argument("--study", help="the study (default: that of the configuration)")
    _add_files_of_settings(runs_parser)
    runs_parser.add_argument("--json", action="store_true", help="the answer as JSON, with all settings")
    runs_parser.set_defaults(run=_runs)
    return parser


def _add_files_of_settings(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        *("--configfile", "--configfiles"),
        type=Path,
        nargs="+",
        action="extend",
        default=[],
        metavar="FILE",
        help="laid over config.yaml, later ones over earlier ones, as for Snakemake; may be repeated",
    )


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"found {text!r}, expected a whole number from 1")
    return int(text)


def _plan(options: argparse.Namespace) -> int:
    from sgdphysics.study import plans

    unknown = sorted(set(options.section or ()) - set(plans.SECTIONS))
    if unknown:
        raise InputError(f"--section: found {unknown[0]!r}, expected one of {', '.join(plans.SECTIONS)}")
    root = project.root_above(Path())
    configuration = Configuration(root, laid_over(root, options.configfile))
    costs, name = configuration.costs, configuration.study
    sections = options.section or plans.SECTIONS
    jobs = plans.jobs_of(configuration.studies, name, configuration.datasets, costs, sections)
    ensembles = len({chunk.ensemble for chunk in plans.chunks_of(configuration.studies, name, sections)})
    networks = sum(job.networks for job in jobs)
    print(f"study {name}, if nothing of it is there yet: {networks:,} networks in {ensembles} ensembles")
    print(_lines(plans.lines(jobs, costs, options.cores, whole=not options.section)))
    print(f"by costs measured on {costs['processor']}: config/costs.yaml")
    return 0


def _runs(options: argparse.Namespace) -> int:
    root = project.root_above(Path())
    runs = catalogue.entries(options.study, root, options.configfile)
    print(json.dumps([run.facts() for run in runs], indent=1) if options.json else _lines(catalogue.lines(runs)))
    return 0


def _compare(options: argparse.Namespace) -> int:
    job_environment.check_matplotlibrc(Path())
    folders = [path if path.is_dir() else Path("results") / path for path in options.studies]
    differences = compare.compare(*folders, options.relative, options.absolute, options.image_rms, options.image_local)
    for difference in differences:
        print(printable(str(difference)))
    print(f"{len(differences)} differences" if differences else "no difference beyond the tolerance")
    return 1 if differences else 0


def _tables(options: argparse.Namespace) -> int:
    from sgdphysics.report import readme  # loads what draws figures

    root = project.root_above(Path())
    tables = readme.blocks(root / "results" / project.study_asked_for(root, options.study, None, lambda: ""))
    if options.into is None:
        print("\n\n".join(f"<!-- {name} -->\n{table}" for name, table in tables.items()))
        return 0
    if not options.into.is_file():
        raise InputError(f"--into: found no file {options.into}, expected a text with markers such as <!-- verdicts -->")
    try:
        before = options.into.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise InputError(f"--into: found a file {options.into} that is no text in UTF-8") from None
    text = readme.written(before, tables)
    write_atomically(options.into, lambda path: path.write_text(text, encoding="utf-8"))
    print(f"{options.into}: {', '.join(tables)} written")
    return 0


def _publish(options: argparse.Namespace) -> int:
    root = project.root_above(Path())
    print(_lines(publishing.publish(root, project.study_asked_for(root, options.study, None, lambda: ""))))
    return 0


def _audit(options: argparse.Namespace) -> int:
    root = project.root_above(options.file or Path())
    path = None if options.file is None else project.path_within(root, options.file)
    study = project.study_asked_for(root, options.study, path, lambda: default_study(root))
    answer, code = _answer(options, root, path, study), own_code.of_this_process(root, study)
    content = {**answer.content, "answered_by": code.line}
    print(json.dumps(content, indent=1, sort_keys=True) if options.json else _lines([*answer.lines, code.line]))
    return 1 if code.is_other else answer.exit_code


def _answer(options: argparse.Namespace, root: Path, path: str | None, study: str) -> answers.Answer:
    expected = (options.record_sum or "").lower()
    if expected and not confirmation.has_sum(root, study, expected):
        return answers.on_changed_record(f"results/{study}/{CRATE}", options.record_sum)
    try:
        record = settings_since.with_places(load(root, study), parsed)
    except InputError:
        told = confirmation.confirmation(root, study, expected).verdicts
        if changed := answers.on_unreadable_record([f"results/{study}/{name}" for name in (CRATE, MANIFEST)], told):
            return changed
        raise
    states = audit.verdicts(record, settings_since.outdated(record, parsed), expected)
    if options.all:
        return answers.on_study(record, states, _named_studies(root))
    if path is None:
        return _on_claim(record, states, options.claim, has_sum=bool(expected))
    return answers.on_file(record, states, path, has_sum=bool(expected))


def _on_claim(record: Record, states: answers.States, claim: str, *, has_sum: bool) -> answers.Answer:
    try:
        return answers.on_claim(record, states, claim, has_sum=has_sum)
    except ledger.UnknownClaimError:
        if successors := superseding(record.root, claim):
            raise InputError(f"--claim: {claim} was superseded by {', '.join(successors)}") from None
        raise


def _lines(lines: Iterable[str]) -> str:
    """Lines as they are printed: what a record or a table says does nothing to the terminal."""
    return "\n".join(map(printable, lines))


def _named_studies(root: Path) -> set[str]:
    """The studies of all files of settings in the project."""
    names: set[str] = set()
    for path in sorted((root / "config").glob("*.yaml")):
        try:
            names |= set(parsed(path).get("studies", {}))
        except (InputError, AttributeError, TypeError):  # which an audit tells of the file itself
            continue
    return names


if __name__ == "__main__":
    sys.exit(main())
