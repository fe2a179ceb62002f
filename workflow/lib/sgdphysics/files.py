"""Files written whole or not at all, and their checksums."""

import hashlib
import os
import re
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any


def write_atomically(path: Path, write: Callable[[Path], Any]) -> None:
    """Let ``write`` fill a temporary file beside ``path``, then move it there; remove it if ``write`` fails.

    Temporary files that writers of the same path left when they were killed are removed too. Who may read the file is what the
    user's umask says, whatever writes it.

    Raises:
        OSError: With the name of ``path``, where it cannot be written: a full disk, a folder that may not be written to.
    """
    path = Path(path)
    # The suffix stays last: writers such as matplotlib choose the format by it.
    temporary = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove_left_over(path)
        temporary.touch()
        mode = stat.S_IMODE(temporary.stat().st_mode)
        write(temporary)
        temporary.chmod(mode)  # writers such as safetensors make files that nobody else may read
        with temporary.open("rb") as file:
            os.fsync(file.fileno())  # else the move may reach the disk before the bytes, and the power fail in between
        temporary.replace(path)
    except OSError as error:
        raise OSError(error.errno, error.strerror or str(error), str(path)) from error
    finally:
        temporary.unlink(missing_ok=True)


def _remove_left_over(path: Path) -> None:
    """Remove temporary files of ``path`` whose process is gone. One of a living process may be about to be moved into place."""
    name = re.compile(rf"\.{re.escape(path.stem)}\.([0-9]+){re.escape(path.suffix)}")
    for other in path.parent.iterdir():
        match = name.fullmatch(other.name)
        if match and not _is_alive(int(match[1])):
            other.unlink(missing_ok=True)


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


def sha256_of(path: str | Path) -> str:
    """Return the sha256 of a file's bytes, in hexadecimal digits; raises `OSError` where it cannot be read."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
