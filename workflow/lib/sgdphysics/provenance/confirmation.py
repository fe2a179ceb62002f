"""What confirms a study's record: a manifest of it and what stands beside it, whose one sum, the anchor, is printed elsewhere.

``results/<study>/provenance/manifest.txt`` has the sums of the record, of the report page, of the list of what is left out and the
sources that a published study keeps, and of the tables that README.md has of it. Its own sum is the anchor of the study. It stands
on the page, in a line of its own without which the page is summed; of a published study in README.md and CITATION.cff too.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sgdphysics.errors import InputError
from sgdphysics.provenance import on_disk
from sgdphysics.provenance.record import CRATE, LEFT_OUT, MANIFEST, PAGE, SOURCES
from sgdphysics.provenance.states import Cause, Verdict

PARTS = (CRATE, LEFT_OUT, SOURCES, PAGE)
README, CITATION = "README.md", "CITATION.cff"
HEADER = "# sha256 of what confirms study {}: of the page without the line that has the sum of this file, of README.md its tables\n"


@dataclass(frozen=True)
class Confirmation:
    """What the manifest of a study says, and what is printed of it.

    Attributes:
        study: Name of the study.
        anchor: Sum of the manifest; empty where there is none.
        sums: What it says, by name; nothing where it is none.
        page: Anchors that the report page prints in the line that is for that.
        elsewhere: Anchors that README.md and CITATION.cff print, by file; nothing of one that prints none.
        verdicts: States of the manifest, of all that it speaks of, and of files that print another anchor.
    """

    study: str
    anchor: str
    sums: Mapping[str, str]
    page: tuple[str, ...]
    elsewhere: Mapping[str, tuple[str, ...]]
    verdicts: dict[str, Verdict] = field(default_factory=dict)

    @property
    def printed_by(self) -> list[str]:
        """The files that print the anchor, and no other."""
        places = {f"results/{self.study}/{PAGE}": self.page, **self.elsewhere}
        return [place for place, printed in places.items() if printed and set(printed) == {self.anchor}]


def line(study: str, anchor: str) -> str:
    """Return how the anchor of a study is printed, wherever it is."""
    return f"anchor of {study}: sha256 {anchor}"


def page_line(study: str, anchor: str) -> str:
    """Return the line of a report page that has the anchor."""
    return f'<p><code class="sum">{line(study, anchor)}</code></p>'


def finished(root: Path, study: str, page: str) -> tuple[str, str]:
    """Return a report page with the anchor in its place, and the manifest.

    Args:
        root: Folder of the project; all else that the manifest speaks of is there.
        study: Name of the study.
        page: The page, with one line for the anchor that has none, or another one.

    Raises:
        InputError: If the page has no such line, or more than one.
    """
    content = page.encode()
    places = len(_page_line(study).findall(content))
    if places != 1:
        raise InputError(f"the report page has {places} lines for the anchor, expected one")
    sums = _sums(root, study) | {f"results/{study}/{PAGE}": _sum_of_page(content, study)}
    manifest = HEADER.format(study) + "".join(f"{sha256}  {name}\n" for name, sha256 in sorted(sums.items()) if sha256)
    anchor = hashlib.sha256(manifest.encode()).hexdigest()
    return _page_line(study).sub(page_line(study, anchor).encode(), content).decode(), manifest


def confirmation(root: Path, study: str, given: str = "") -> Confirmation:
    """Return what confirms a study, or speaks against it.

    Args:
        root: Folder of the project.
        study: Name of the study.
        given: The anchor, or the sum of the record, as whoever asks was told it; empty if not.
    """
    path, page_path = f"results/{study}/{MANIFEST}", f"results/{study}/{PAGE}"
    content, page = on_disk.content_of(root / path), on_disk.content_of(root / page_path)
    lines = tuple(match.decode() for match in _page_line(study).findall(page or b""))
    printed = () if lines == ("",) else lines
    elsewhere = {name: anchors for name in (README, CITATION) if (anchors := _printed(root / name, study))}
    anchor = hashlib.sha256(content).hexdigest() if content is not None else ""
    told = Confirmation(study, anchor, _parsed(content or b"", study), printed, elsewhere)
    told.verdicts.update(_verdicts(root, told, given))
    return told


def has_sum(root: Path, study: str, given: str) -> bool:
    """Return whether a sum is that of a study's manifest, or of its record."""
    return given in {on_disk.found(root / "results" / study / name).sha256 for name in (MANIFEST, CRATE)}


def verdict_on_absence(found: on_disk.Found) -> Verdict | None:
    """Return why there are no bytes of a file; None where there are."""
    if found.unreadable:
        return Verdict(Cause.UNREADABLE, (found.unreadable,))
    if found.instead:
        return Verdict(Cause.NOT_A_FILE, (found.instead,))
    return None if found.sha256 else Verdict(Cause.MISSING)


def _verdicts(root: Path, told: Confirmation, given: str) -> dict[str, Verdict]:
    """States of the manifest and of all that it speaks of; of a study of an earlier version, which has none, of record and page."""
    manifest, page, crate = (f"results/{told.study}/{name}" for name in (MANIFEST, PAGE, CRATE))
    absent = verdict_on_absence(_found(root, manifest))
    if absent:
        states = {page: _verdict_without_manifest(root, told, absent)}
        is_older = absent == Verdict(Cause.MISSING) and not (told.page or told.elsewhere)
        states |= {} if is_older else {manifest: absent}
    elif not told.sums or (len(told.page) == 1 and told.anchor not in {given, *told.page, *_all(told.elsewhere)}):
        doubt = Verdict(Cause.DOUBTFUL_RECORD, (manifest,))
        states = {**dict.fromkeys([crate, page, *told.sums], doubt), manifest: Verdict(Cause.OTHER_ANCHOR, (page,))}
    else:
        sums = _sums(root, told.study)
        states = {name: _verdict_on_part(root, told, name, sums.get(name, "")) for name in {crate, page, *told.sums, *sums}}
        if len(told.page) != 1 and sums.get(page):
            states[page] = Verdict(Cause.NOT_ONE_ANCHOR, (str(len(told.page)),))
        elif states[page] == Verdict() and told.page != (told.anchor,):
            states[page] = Verdict(Cause.ANOTHER_ANCHOR, (told.page[0][:12], told.anchor[:12]))
        states[manifest] = Verdict()
    record = _found(root, crate)
    if crate not in states or given == record.sha256:
        states[crate] = verdict_on_absence(record) or Verdict()
    for name, anchors in told.elsewhere.items():
        if others := [anchor for anchor in anchors if anchor != told.anchor]:
            states[name] = Verdict(Cause.ANOTHER_ANCHOR, (others[0][:12], told.anchor[:12] or "none"))
    return states


def _all(anchors: Mapping[str, tuple[str, ...]]) -> set[str]:
    return {anchor for printed in anchors.values() for anchor in printed}


def _verdict_without_manifest(root: Path, told: Confirmation, absent: Verdict | None) -> Verdict:
    """State of the report page where no manifest tells of it."""
    manifest = f"results/{told.study}/{MANIFEST}"
    if absent and absent.cause == Cause.UNREADABLE:
        return Verdict(Cause.UNREADABLE, (f"{manifest}: {absent.details[0]}",))
    return verdict_on_absence(_found(root, f"results/{told.study}/{PAGE}")) or Verdict(Cause.NO_MANIFEST, (manifest,))


def _verdict_on_part(root: Path, told: Confirmation, name: str, sha256: str) -> Verdict:
    expected = told.sums.get(name)
    absent = verdict_on_absence(_found(root, name)) if not sha256 else None
    if absent:
        return absent
    if expected is None:
        return Verdict(Cause.NO_RECORD_OF_THAT, (f"results/{told.study}/{MANIFEST} does not have it",))
    return Verdict() if sha256 == expected else Verdict(Cause.OTHER_RECORD, (f"the one in results/{told.study}/{MANIFEST}",))


def _found(root: Path, name: str) -> on_disk.Found:
    if on_disk.link_on_the_way(root, name):
        return on_disk.Found(instead="a link")
    return on_disk.found(root / name)


def _sums(root: Path, study: str) -> dict[str, str]:
    """Sums of all that a manifest speaks of and that is there, by name; empty where it is not, or cannot be read."""
    sums = {name: _found(root, name).sha256 or "" for name in (f"results/{study}/{part}" for part in PARTS)}
    page = on_disk.content_of(root / "results" / study / PAGE)
    if page is not None and sums[f"results/{study}/{PAGE}"]:
        sums[f"results/{study}/{PAGE}"] = _sum_of_page(page, study)
    tables = tables_of_readme(root, study) if sums[f"results/{study}/{LEFT_OUT}"] else b""
    sums[_name_of_tables(study)] = hashlib.sha256(tables).hexdigest() if tables else ""
    return {name: sha256 for name, sha256 in sums.items() if sha256}


def _name_of_tables(study: str) -> str:
    return f"{README} (tables of {study})"


def tables_of_readme(root: Path, study: str) -> bytes:
    """Return what README.md has of a study below markers such as ``<!-- verdicts of mnist -->``, each to the next empty line."""
    text = on_disk.content_of(root / README) or b""
    return b"\n\n".join(re.findall(rf"^<!-- \w+ of {re.escape(study)} -->\n(?:.+\n?)*".encode(), text, re.MULTILINE))


def _sum_of_page(page: bytes, study: str) -> str:
    """Sum of a report page without the line that has the anchor."""
    line_of_anchor = _page_line(study)
    return hashlib.sha256(b"\n".join(line for line in page.split(b"\n") if not line_of_anchor.match(line))).hexdigest()


def _page_line(study: str) -> re.Pattern[bytes]:
    """The line of a report page that has the anchor, or none yet."""
    pattern = re.escape(page_line(study, "@")).replace("@", "([0-9a-f]{64}|)")
    return re.compile(rf"^{pattern}$".encode(), re.MULTILINE)


def _printed(path: Path, study: str) -> tuple[str, ...]:
    """Anchors of a study that a file prints."""
    text = on_disk.content_of(path) or b""
    return tuple(match.decode() for match in re.findall(line(re.escape(study), "([0-9a-f]{64})").encode(), text))


def _parsed(content: bytes, study: str) -> dict[str, str]:
    """What a manifest says, by name; nothing where it is none."""
    names = {*(f"results/{study}/{name}" for name in PARTS), _name_of_tables(study)}
    lines = [entry.split("  ", 1) for entry in content.decode("utf-8", "replace").splitlines() if not entry.startswith("#")]
    known = all(len(entry) == 2 and re.fullmatch("[0-9a-f]{64}", entry[0]) and entry[1] in names for entry in lines)
    return {name: sha256 for sha256, name in lines} if known else {}
