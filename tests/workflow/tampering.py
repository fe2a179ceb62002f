"""Damaging files of a finished study one way or the other, and what an audit then has to say, by Snakemake's own records.

Snakemake keeps for every output a JSON file under ``.snakemake/metadata`` with the inputs of its job; the file's name is the
output's path in base64. The audit knows nothing of them, so they tell independently what was made from what.
"""

import base64
import contextlib
import io
import json
import os

from sgdphysics import command_line

RECORD = "results/smoke/provenance/ro-crate-metadata.json"
PAGE = "results/smoke/report/index.html"
MANIFEST = "results/smoke/provenance/manifest.txt"  # of record and page, written with the page
# Parts of the record, written with it by the same job: it tells of their sums, so they come before it.
PARTS = ("results/smoke/provenance/README.md", "results/smoke/provenance/settings.yaml")


def made_from(folder):
    """Return the inputs of every file that Snakemake made for the study."""
    top = folder / ".snakemake" / "metadata"
    found = {}
    for path in (path for path in top.rglob("*") if path.is_file()):
        # Snakemake breaks long names into folders whose names begin with @.
        name = "".join(part.removeprefix("@") for part in path.relative_to(top).parts)
        found[base64.b64decode(name).decode()] = set(json.loads(path.read_text())["input"])
    found = {made: inputs for made, inputs in found.items() if made not in PARTS and (folder / made).is_file()}
    # The record speaks of all that jobs made, of a summary that no job reads too.
    found[RECORD] |= {*PARTS, *found} - {RECORD, PAGE, MANIFEST}
    return found


def behind(sources, name):
    """Return all that a file was made from, directly or not, and itself."""
    found, waiting = set(), [name]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += sources.get(name, ())
    return found


def descendants(sources, names):
    """Return what was made from any of these files, directly or not."""
    found = set(names)
    while more := {made for made, inputs in sources.items() if inputs & found} - found:
        found |= more
    return found - set(names)


def states(folder):
    """Return the exit code of an audit of all files, and the state of each that is not intact."""
    out = io.StringIO()
    with contextlib.chdir(folder), contextlib.redirect_stdout(out):
        code = command_line.main(["audit", "--all", "--study", "smoke", "--json"])
    files = json.loads(out.getvalue())["files"]
    return code, {name: told["state"] for name, told in files.items() if told["state"] != "intact"}


def expected(sources, changed):
    """Return the states of a study in which these files were changed; the record is none of them."""
    return dict.fromkeys(changed, "tampered") | dict.fromkeys(descendants(sources, changed), "stale")


def expected_without_settings(sources, changed):
    """Return the states where no setting is as it was: then every result is one of other settings."""
    return dict.fromkeys(sources, "stale") | dict.fromkeys(changed, "tampered")


def expected_of_changed_record(sources):
    """Return the states where the record itself was changed: it says nothing for certain."""
    known = behind(sources, RECORD)
    return dict.fromkeys(known, "unknown") | {RECORD: "tampered", PAGE: "stale"}


def expected_of_changed_manifest(sources):
    """Return the states where the manifest was changed: nothing confirms the record, nor what it says."""
    return dict.fromkeys([*behind(sources, RECORD), PAGE], "unknown") | {MANIFEST: "tampered"}


def expected_without_manifest(sources, changed):
    """Return the states where there is no manifest, or something else in its place: the page vouches for nothing."""
    return expected(sources, changed) | {MANIFEST: "tampered", PAGE: "tampered" if PAGE in changed else "unknown"}


@contextlib.contextmanager
def restored(*paths):
    """Put files back as they were at the end, with their times."""
    before = [(path, path.read_bytes(), path.stat()) for path in paths]
    try:
        yield
    finally:
        for path, content, status in before:
            path.write_bytes(content)
            path.chmod(status.st_mode)
            os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def change_a_byte(path):
    """Change one byte in the middle of a file, of settings in the comment at their top; an empty file gets one."""
    content = bytearray(path.read_bytes())
    place = 2 if path.parent.name == "config" else len(content) // 2
    if path.parent.name == "config":
        assert content.startswith(b"# ")
    if content:
        content[place] ^= 1
    path.write_bytes(content or b"x")
