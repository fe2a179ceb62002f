"""What a file is that should be another, by how it begins: what servers, archives and version control leave in its place."""

import re

BEGINNING_BYTES = 512  # that are enough to tell

GZIP = b"\x1f\x8b"
IDX = "an IDX file"

_KINDS = [
    (rb"version https://git-lfs", "a pointer of Git LFS in place of the file (`git lfs pull` fetches it)"),
    (rb"/annex/objects/", "a pointer of git-annex in place of the file (`git annex get` fetches it)"),
    (rb"(?i:(?:\xef\xbb\xbf)?\s*<(?:!doctype\s+html|html))", "a web page (HTML)"),
    (rb"(?:\xef\xbb\xbf)?\s*<\?xml", "an XML file"),
    (re.escape(GZIP), "a gzip file"),
    (rb"PK\x03\x04", "a zip archive"),
    (rb".{257}ustar", "a tar archive"),
    (rb"BZh[1-9]", "a bzip2 file"),
    (rb"\xfd7zXZ\0", "an xz file"),
    (rb"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (rb"\x28\xb5\x2f\xfd", "a zstd file"),
    (rb"\x93NUMPY", "a NumPy file"),
    (rb"\x89HDF\r\n\x1a\n", "an HDF5 file"),
    (rb"PAR1", "a Parquet file"),
    (rb"\x89PNG\r\n\x1a\n", "a PNG picture"),
    (rb"\xff\xd8\xff", "a JPEG picture"),
    (rb"\x00\x00[\x08\x09\x0b-\x0e][\x01-\x04]", IDX),
    (rb"[\x01-\x04][\x08\x09\x0b-\x0e]\x00\x00", "an IDX file of the other byte order, little-endian"),
]


def kind_of(beginning: bytes) -> str | None:
    """Return what a file is in words, such as "a web page (HTML)", by its first bytes; None where they tell nothing."""
    return next((kind for pattern, kind in _KINDS if re.match(pattern, beginning, re.DOTALL)), None)


def text_in(beginning: bytes) -> str | None:
    """Return how a text begins, in words; None where the bytes, up to `BEGINNING_BYTES` of a file, are no text.

    A character that is cut off at the end is no fault.
    """
    text = beginning.decode(errors="ignore").lstrip("\ufeff")
    line = text.strip().split("\n")[0].strip()
    is_text = len(text.encode()) >= len(beginning) - 3 and all(character.isprintable() or character.isspace() for character in text)
    return f"text that begins with {line[:30]!r}" if line and is_text else None
