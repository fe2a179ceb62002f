"""What makes a finished study a published one: the sources that its record names, and a new anchor wherever it is printed."""

import re
from pathlib import Path

from sgdphysics.errors import InputError
from sgdphysics.files import write_atomically
from sgdphysics.provenance import audit, commits, confirmation, kept_sources, on_disk, settings_since
from sgdphysics.provenance.commits import NotAtHandError
from sgdphysics.provenance.places import is_outside
from sgdphysics.provenance.reading import load
from sgdphysics.provenance.record import CRATE, LEFT_OUT, MANIFEST, PAGE, SOURCES, Record

# By which pages of earlier versions vouched for the record and for themselves.
OLDER = re.compile('<meta name="(record|page)-sha256" content="([0-9a-f]{64})">\n')


def publish(root: Path, study: str) -> list[str]:
    """Write the sources, the manifest and the anchor of a study, and return lines that say what was done and what is left to do.

    Args:
        root: Folder of the project, with the commits that the record names.
        study: Name of the study, whose ``not_kept.txt`` says what is left out.

    Raises:
        InputError: If anything is not as it was recorded, or a source is not to be had.
    """
    record, folder = load(root, study), root / "results" / study
    if record.left_out is None:
        raise InputError(f"results/{study}/{LEFT_OUT}: there is none; it has the paths that are left out, or no line")
    changed = [
        name for name, verdict in audit.verdicts_on_bytes(record).items() if verdict.state in (audit.TAMPERED, audit.UNKNOWN)
    ]
    if changed:
        raise InputError(f"{changed[0]}: not as recorded, {len(changed)} files in all; a study is published as it was made")
    page = (on_disk.content_of(folder / PAGE) or b"").decode()
    if record.today(record.crate) not in _recorded_sums(root, study, page):
        raise InputError(f"{record.crate}: neither manifest nor page of the study has its sum; let Snakemake write them again")
    sources = kept_sources.packed(sources_of(record))
    write_atomically(folder / SOURCES, lambda path: path.write_bytes(sources))
    page, manifest = confirmation.finished(root, study, _with_place(page, study))
    write_atomically(folder / MANIFEST, lambda path: path.write_text(manifest, encoding="utf-8"))
    write_atomically(folder / PAGE, lambda path: path.write_text(page, encoding="utf-8"))
    line = confirmation.line(study, confirmation.confirmation(root, study).anchor)
    places = (confirmation.README, confirmation.CITATION)
    missing = [name for name in places if not _print_in(root / name, study, line)]
    return [line, *(f"{name}: no such line yet; put it there" for name in missing), "The message of the tag has this line too."]


def sources_of(record: Record) -> dict[tuple[str, str], bytes]:
    """Return code and settings as the jobs of a study used them, by commit and path.

    Raises:
        InputError: If a commit is not at hand.
    """
    further = {name for name in record.sums if name not in record.maker and not is_outside(name)}
    settings = {settings_since.CLAIMS, settings_since.DATA_SETS, *record.facts["configuration_files"]}
    files = {}
    for commit in filter(commits.is_commit, {record.commit: None, **dict.fromkeys(record.job_commits)}):
        sums = {name: record.sums[name] for name in further} if commit == record.commit else {}
        for job in record.jobs:
            sums |= job.code if job.commit == commit else {}
        for path in sorted(settings | sums.keys()):
            content = None if path.startswith(f"results/{record.study}/") else _source(record, commit, path, sums.get(path))
            if content is not None:
                files[commit, path] = content
    return files


def _source(record: Record, commit: str, path: str, sha256: str | None) -> bytes | None:
    """A file as a commit has it, or where it was another when a job used it as it is today; without a sum as the commit has it."""
    try:
        if sha256 is None or record.history.has(commit, path, sha256):
            return record.history.content(commit, path)
    except NotAtHandError as error:
        raise InputError(f"{error}; a study is published from a full clone") from None
    return on_disk.content_of(record.root / path) if record.today(path) == sha256 else None


def _recorded_sums(root: Path, study: str, page: str) -> set[str]:
    """Sums of the record as the manifest has it, or the page of an earlier version."""
    by_manifest = confirmation.confirmation(root, study).sums.get(f"results/{study}/{CRATE}")
    older = {total for name, total in OLDER.findall(page) if name == "record"}
    return {by_manifest} if by_manifest else older


def _with_place(page: str, study: str) -> str:
    """A page with a line for the anchor; one of an earlier version gets it at its end, and loses what it vouched by."""
    if "\n" + confirmation.page_line(study, "")[:-11] in page:
        return page
    before, end, after = page.rpartition("</footer>" if "</footer>" in page else "</body>")
    return f"{OLDER.sub('', before)}{confirmation.page_line(study, '')}\n{end}{after}"


def _print_in(path: Path, study: str, line: str) -> bool:
    """Put the anchor of a study where a file prints it; returns whether it does."""
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    changed, count = re.subn(confirmation.line(re.escape(study), "[0-9a-f]*"), line, text)
    if changed != text:
        write_atomically(path, lambda temporary: temporary.write_text(changed, encoding="utf-8"))
    return count > 0
