"""The command ``sgdphysics``: audit the files of a study, compare two studies, plan one."""

import argparse
import hashlib
import json
import os
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from sgdphysics.errors import InputError
from sgdphysics.provenance import audit, compare
from sgdphysics.study import inheritance

EXIT = """exit codes: 0 all that was asked for is intact (or equal), 1 something is stale, tampered or unknown (or differs), or the
record is not confirmed: by its sum on the report page or by --record-sum, 2 the question cannot be answered: no record, no such
study, wrong arguments"""
STATES = """intact: the bytes of the record, and so is all that it was made from; not kept: left out of a published study; stale:
something that it was made from has changed since; tampered: not the bytes of the record, or missing; unknown: no record tells"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    options = _parser().parse_args(arguments)
    try:
        code = options.run(options)
        sys.stdout.flush()
        return code
    except BrokenPipeError:  # whoever reads, such as `head`, wants no more
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else Python complains when it ends
        return 1
    except InputError as error:
        print(f"sgdphysics: {error}", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="sgdphysics", description=__doc__, epilog=EXIT)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    # Options are not abbreviated: Snakemake's --config would else be read as --configfile.
    add_command = partial(commands.add_parser, epilog=EXIT, allow_abbrev=False)
    one = add_command("audit", help="what made a file, and whether it still is that", description=STATES)
    what = one.add_mutually_exclusive_group(required=True)
    what.add_argument("file", nargs="?", type=Path, help="a figure, table, trained file, report page ... of a study")
    what.add_argument("--claim", help="a row of the ledger, such as inverse_variance_flatness")
    what.add_argument("--all", action="store_true", help="every file of the study")
    one.add_argument("--study", help="the study; needed where several have a record and the file does not tell")
    one.add_argument("--record-sum", metavar="SHA256", help="sum that the record must have, as published with the study")
    one.add_argument("--json", action="store_true", help="the answer as JSON")
    one.set_defaults(run=_audit)
    two = add_command("compare", help="results of two studies side by side")
    two.add_argument("studies", nargs=2, type=Path, metavar="STUDY", help="name of a study here, or its folder results/<study>")
    two.add_argument("--relative", type=float, default=1e-6, help="largest relative difference of numbers (default 1e-6)")
    two.add_argument("--absolute", type=float, default=1e-12, help="and absolute one (default 1e-12)")
    two.add_argument("--image-rms", type=float, default=2.0, help="largest root mean square difference of grey levels (default 2)")
    two.set_defaults(run=_compare)
    three = add_command("plan", help="what a study will take: networks, jobs, core-hours, memory")
    three.add_argument("--configfile", type=Path, help="laid over config/config.yaml, as for Snakemake")
    three.add_argument("--section", action="append", metavar="PAPER", help="only what this paper needs; may be repeated")
    three.add_argument("--cores", type=_count, default=2, help="for how many cores the hours are told (default 2)")
    three.set_defaults(run=_plan)
    return parser


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"found {text!r}, expected a whole number from 1")
    return int(text)


def _plan(options: argparse.Namespace) -> int:
    from sgdphysics.study import plans, studies

    unknown = sorted(set(options.section or ()) - set(plans.SECTIONS))
    if unknown:
        raise InputError(f"--section: found {unknown[0]!r}, expected one of {', '.join(plans.SECTIONS)}")
    root = _root(Path())
    config = _yaml(root / "config" / "config.yaml")
    if options.configfile:
        config = inheritance.merged(config, _yaml(options.configfile))
    config = inheritance.resolved(config)
    entries = _yaml(root / "config" / "datasets.yaml")["datasets"]
    costs, name = _yaml(root / "config" / "costs.yaml"), config["study"]
    schemas = {of: json.loads((root / "workflow" / "schemas" / f"{of}.schema.json").read_text()) for of in ("config", "costs")}
    studies.check(config, schemas["config"], entries)
    studies.check_schema(costs, schemas["costs"])
    sections = options.section or plans.SECTIONS
    jobs = plans.jobs_of(config["studies"], name, entries, costs, sections)
    ensembles = len({chunk.ensemble for chunk in plans.chunks_of(config["studies"], name, sections)})
    networks = sum(job.networks for job in jobs)
    print(f"study {name}, if nothing of it is there yet: {networks:,} networks in {ensembles} ensembles")
    print("\n".join(plans.lines(jobs, costs, options.cores, whole=not options.section)))
    print(f"by costs measured on {costs['processor']}: config/costs.yaml")
    return 0


def _compare(options: argparse.Namespace) -> int:
    folders = [path if path.is_dir() else Path("results") / path for path in options.studies]
    found = compare.compare(*folders, options.relative, options.absolute, options.image_rms)
    for difference in found:
        print(difference)
    print(f"{len(found)} differences" if found else "no difference beyond the tolerance")
    return 1 if found else 0


def _audit(options: argparse.Namespace) -> int:
    root = _root(options.file or Path())
    path = None if options.file is None else _within(root, options.file)
    study = _study(root, options.study, path)
    crate = root / "results" / study / audit.CRATE
    expected = options.record_sum
    if expected and (not crate.is_file() or hashlib.sha256(crate.read_bytes()).hexdigest() != expected.lower()):
        return _say_record_is_changed(options, root, study, f"its sha256 is not {expected}")
    try:
        record = audit.load(root, study)
    except InputError:
        if audit.record_is_changed(root, study):
            return _say_record_is_changed(options, root, study, "its sha256 is not the one that the report page prints")
        raise
    states = audit.verdicts(record, _settings_since(record))
    if options.all:
        return _all(options, record, states)
    return _claim(options, record, states) if options.claim else _file(options, record, states, path)


def _say_record_is_changed(options: argparse.Namespace, root: Path, study: str, reason: str) -> int:
    path = f"results/{study}/{audit.CRATE}"
    _print(options, [f"{path}  {audit.TAMPERED}: {reason}"], {"files": {path: _told(audit.Verdict(audit.TAMPERED, reason))}})
    return 1


def _all(options: argparse.Namespace, record: audit.Record, states: Mapping[str, audit.Verdict]) -> int:
    others, unreadable = _records_of_others(record)
    found = {**states, **dict.fromkeys(audit.files_without_record(record, others), audit.NO_RECORD)}
    counts = Counter(verdict.state for verdict in found.values())
    told = {path: verdict for path, verdict in sorted(found.items()) if verdict.reason and verdict.state != audit.NOT_KEPT}
    lines = [f"{path}  {_said(verdict)}" for path, verdict in told.items()]
    counted = ", ".join(f"{counts[state]} {state}" for state in audit.STATES if counts[state] or state != audit.NOT_KEPT)
    lines += [f"study {record.study}: {len(found)} files, {counted}", *unreadable, *_about(record)]
    _print(options, lines, {"study": record.study, "files": {path: _told(verdict) for path, verdict in sorted(found.items())}})
    return 0 if set(counts) <= audit.GOOD else 1


def _records_of_others(record: audit.Record) -> tuple[list[audit.Record], list[str]]:
    """The records of other studies, which may share trained networks and data, and a line on each that cannot be read."""
    found, unreadable = [], []
    for study in _studies(record.root):
        if study != record.study:
            try:
                found.append(audit.load(record.root, study))
            except InputError as error:
                unreadable.append(f"not read, so files of study {study} alone count as {audit.UNKNOWN}: {error}")
    return found, unreadable


def _file(options: argparse.Namespace, record: audit.Record, states: Mapping[str, audit.Verdict], path: str) -> int:
    links = list(audit.chain(record, path, states))
    verdict = states.get(path, audit.NO_RECORD)
    if verdict.state == audit.UNKNOWN and not (record.root / path).exists():
        raise InputError(f"{path}: there is no such file, and no record of one")
    doubt = _doubt(options, record, states)
    _print(options, [*_tree(links), "", *doubt, *_about(record)], _told_chain(record, links, confirmed=not doubt))
    return 0 if verdict.state in audit.GOOD and not doubt else 1


def _claim(options: argparse.Namespace, record: audit.Record, states: Mapping[str, audit.Verdict]) -> int:
    tables = audit.tables_of_claim(record, options.claim)
    verdict = audit.verdict_of_claim(record, options.claim, states)
    ledger = f"results/{record.study}/claims.csv"
    job = record.maker.get(ledger)
    shown = {**states, ledger: verdict}
    links = list(audit.chain(record, ledger, shown, [*(job.code if job else ()), *tables]))
    row, doubt = audit.row_of_claim(record, options.claim), _doubt(options, record, states)
    number = "{value} [{ci_low}, {ci_high}], {n_seeds} seeds".format_map(row)
    lines = [f"claim {options.claim}: {row['verdict']}, {row['statistic']} {number}", *_tree(links), "", *doubt, *_about(record)]
    _print(options, lines, _told_chain(record, links, confirmed=not doubt) | {"claim": row})
    return 0 if verdict.state in audit.GOOD and not doubt else 1


def _doubt(options: argparse.Namespace, record: audit.Record, states: Mapping[str, audit.Verdict]) -> list[str]:
    """A line where neither the report page nor the question itself holds the sum of the record."""
    page = states[record.page]
    if options.record_sum or page.state != audit.TAMPERED:
        return []
    return [f"record not confirmed: {record.page} is {_said(page)}; give the sum that was published with it by --record-sum"]


def _tree(links: Sequence[audit.Link]) -> list[str]:
    """The chain as lines, what each file was made from below it and further right."""
    lines = []
    for link in links:
        made = ""
        if link.job and not link.again:
            seconds = float(link.job.usage["wallTime"])
            made = f"  <- {link.job.rule}, {link.job.ended[:19].replace('T', ' ')} UTC, {seconds:.1f} s"
        further = "  (as above)" if link.again and link.job else ""
        lines.append(f"{'  ' * link.depth}{link.path}  {_said(link.verdict)}{made}{further}")
    return lines


def _said(verdict: audit.Verdict) -> str:
    return f"{verdict.state}: {verdict.reason}" if verdict.reason else verdict.state


def _about(record: audit.Record) -> list[str]:
    facts = record.facts
    state = f", with changes in {', '.join(facts['changed_files'])}" if facts["dirty"] else ", unchanged when it ran"
    lines = [f"record {record.crate}, sha256 {record.today(record.crate)}", f"commit {facts['commit']}{state}"]
    lines += [f"machine {machine}" for machine in record.machines]
    lines += [f"data {path}: {told['description']}; {told['origin']}; {told['licence']}" for path, told in record.data_sets.items()]
    return lines


def _told(verdict: audit.Verdict) -> dict[str, str]:
    return {"state": verdict.state, "reason": verdict.reason}


def _told_chain(record: audit.Record, links: Sequence[audit.Link], *, confirmed: bool) -> dict[str, Any]:
    """The chain as JSON: every file once, with its job and what it was made from."""
    files: dict[str, Any] = {}
    for link in links:
        job = link.job
        told = None
        if job:
            told = {
                **{key: getattr(job, key) for key in ("rule", "script", "started", "ended", "parameters", "environment", "usage")},
                "code": {path: record.sums[path] for path in job.code},
            }
        files[link.path] = {
            **_told(link.verdict),
            "sha256": record.sums.get(link.path),
            "made_from": list(record.upstream(link.path)),
            "job": told,
        }
    top = {"study": record.study, "file": links[0].path, **_told(links[0].verdict)}
    return {**top, "files": files, "record": record.facts, "record_confirmed": confirmed}


def _print(options: argparse.Namespace, lines: Sequence[str], told: Mapping[str, Any]) -> None:
    print(json.dumps(told, indent=1, sort_keys=True) if options.json else "\n".join(lines))


def _root(path: Path) -> Path:
    """The folder of the project, above the file or above where we are."""
    here = path.absolute() if path != Path() else Path.cwd()
    for folder in (*([here] if here.is_dir() else []), *here.parents, Path.cwd(), *Path.cwd().parents):
        if (folder / "workflow").is_dir() and ((folder / "Snakefile").is_file() or (folder / "results").is_dir()):
            return folder
    raise InputError(f"{here}: neither this nor a folder above it is the project (expected workflow/ and Snakefile there)")


def _within(root: Path, path: Path) -> str:
    """Path of a file relative to the root; folders in it, or above it, may be links to other places."""
    for folder, inside in ((root, Path(os.path.normpath(path.absolute()))), (root.resolve(), path.resolve())):
        if inside.is_relative_to(folder):
            return inside.relative_to(folder).as_posix()
    raise InputError(f"{path}: expected a file of the project in {root}")


def _studies(root: Path) -> list[str]:
    return sorted(path.parents[1].name for path in root.glob(f"results/*/{audit.CRATE}"))


def _study(root: Path, named: str | None, path: str | None) -> str:
    """The study that is asked for: named, or that of the file or the first that knows it, or the only or the default one."""
    recorded = _studies(root)
    if named:
        if named not in {folder.name for folder in root.glob("results/*")}:
            raise InputError(
                f"--study: found {named!r}, expected one of {', '.join(recorded) or 'none: no study has a record yet'}"
            )
        return named
    parts = Path(path or "").parts
    if len(parts) > 2 and parts[0] in ("results", "figures") and parts[1] != "runs":
        return parts[1]
    if not recorded:
        raise InputError("no study has a record yet; it is written when a study finishes")
    if path:
        return next((study for study in recorded if _knows(root, study, path)), recorded[0])
    default = recorded[0] if len(recorded) == 1 else _default_study(root)
    if default not in recorded:
        raise InputError(
            f"--study: several studies have a record, but not that of config/config.yaml; expected one of {', '.join(recorded)}"
        )
    return default


def _default_study(root: Path) -> str:
    """The study that Snakemake makes where nothing else is said."""
    try:
        return str(_yaml(root / "config" / "config.yaml")["study"])
    except (InputError, LookupError, TypeError):
        return ""


def _knows(root: Path, study: str, path: str) -> bool:
    """Whether a study's record speaks of a file; one that cannot be read does not."""
    try:
        return path in audit.load(root, study).sums
    except InputError:
        return False


def _settings_since(record: audit.Record) -> Callable[[audit.Job], str]:
    """How to tell whether a job would now be run with other settings; comments and order do not count."""
    try:
        settings = _current_settings(record)
        claims, entries = (_settings_file(record, f"config/{name}.yaml")[name] for name in ("claims", "datasets"))
        data_sets = [{key: value for key, value in entry.items() if key != "mirrors"} for entry in entries.values()]
    except (InputError, KeyError, TypeError, AttributeError) as error:
        reason = f"settings cannot be read any more ({error})"
        return lambda job: reason
    changed = _first_change(record.facts["settings"], settings)

    def since(job: audit.Job) -> str:
        if "claims" in job.parameters and job.parameters["claims"] != claims:
            return "settings have changed since: config/claims.yaml"
        if job.parameters.get("entry") is not None and job.parameters["entry"] not in data_sets:
            return "settings have changed since: config/datasets.yaml"
        return f"settings have changed since: {changed}" if changed else ""

    return since


def _current_settings(record: audit.Record) -> Any:
    config: Any = {}
    for name in record.facts["configuration_files"]:
        config = inheritance.merged(config, _settings_file(record, name))
    config = inheritance.merged(config, record.facts["command_line_settings"])
    studies = inheritance.resolved(config)["studies"]
    if record.study not in studies:
        raise InputError(f"there is no study {record.study!r}")
    return studies[record.study]


def _settings_file(record: audit.Record, name: str) -> Any:
    """A file of settings as the study used it, if it can be had, else as it is now."""
    return _yaml(record.root / name, record.source(name))


def _yaml(path: Path, content: bytes | None = None) -> Any:
    """What a file of YAML says, or this content of it."""
    try:
        return yaml.safe_load(path.read_bytes() if content is None else content)
    except (OSError, yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{path.name}: {' '.join(str(error).split())}") from None


def _first_change(then: Any, now: Any, place: str = "") -> str:
    """Where settings differ first, with both values; empty where they do not."""
    if isinstance(then, Mapping) and isinstance(now, Mapping):
        found = (_first_change(then.get(key), now.get(key), f"{place}.{key}" if place else key) for key in {**then, **now})
        return next(filter(None, found), "")
    return "" if then == now else f"{place} was {json.dumps(then)}, is {json.dumps(now)}"


if __name__ == "__main__":
    sys.exit(main())
