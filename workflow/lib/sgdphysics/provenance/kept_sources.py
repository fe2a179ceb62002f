"""The recorded sources of a published study, kept beside its record: a copy without the repository is audited as a clone is.

``results/<study>/provenance/sources.zip`` has each file under the sum of its bytes, and ``index.txt`` with a line for each file of
each commit: sum, bytes, commit, path. What stands there is not believed for that: whoever asks compares the sum with the record's.
"""

import hashlib
import io
import re
import zipfile
import zlib
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

from sgdphysics.provenance import on_disk

INDEX = "index.txt"
LINE = re.compile("([0-9a-f]{64}) ([0-9]{1,9}) ([0-9a-f]{40}|[0-9a-f]{64}) (.+)")
LARGEST = 16_000_000  # bytes of one file, and of the index; no source comes near
LARGEST_ARCHIVE = 64_000_000
KINDS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
NOT_READABLE = (zipfile.BadZipFile, zlib.error, OSError, EOFError, KeyError, ValueError, RuntimeError, NotImplementedError)


class KeptSources:
    """The files of an archive; none where there is none, or none that can be read.

    Args:
        path: Of the archive.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def content(self, commit: str, path: str) -> bytes | None:
        """Return a file as it was in a commit; None where the archive does not have it."""
        sha256, size = self._index.get((commit, path), ("", 0))
        return self._entry(sha256, size, sha256) if sha256 else None

    @cached_property
    def _index(self) -> dict[tuple[str, str], tuple[str, int]]:
        """Sum and size of every file by commit and path."""
        text = self._entry(INDEX) or b""
        matches = map(LINE.fullmatch, text.decode("utf-8", "replace").splitlines())
        return {(match[3], match[4]): (match[1], int(match[2])) for match in matches if match}

    def _entry(self, name: str, size: int | None = None, sha256: str = "") -> bytes | None:
        """An entry, unpacked only as far as it says, which must be what is expected."""
        try:
            if on_disk.kind_of(self._path.stat()) or self._path.stat().st_size > LARGEST_ARCHIVE:
                return None
            with on_disk.opened(self._path) as file, zipfile.ZipFile(file) as archive:
                entry = archive.getinfo(name)
                if entry.file_size > LARGEST or size not in (None, entry.file_size) or entry.compress_type not in KINDS:
                    return None
                content = archive.read(entry)  # which ends where the entry says
        except NOT_READABLE:
            return None
        is_right = len(content) == entry.file_size and sha256 in ("", hashlib.sha256(content).hexdigest())
        return content if is_right else None


def packed(files: Mapping[tuple[str, str], bytes]) -> bytes:
    """Return an archive of files by commit and path; the same files make the same bytes."""
    sums = {key: hashlib.sha256(content).hexdigest() for key, content in files.items()}
    lines = sorted(f"{sums[commit, path]} {len(content)} {commit} {path}\n" for (commit, path), content in files.items())
    entries = {sums[key]: content for key, content in files.items()} | {INDEX: "".join(lines).encode()}
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as file:
        for name, content in sorted(entries.items()):
            entry = zipfile.ZipInfo(name)  # of 1980, as archives count from there
            entry.compress_type, entry.create_system, entry.external_attr = zipfile.ZIP_DEFLATED, 3, 0o644 << 16
            file.writestr(entry, content)
    return archive.getvalue()
