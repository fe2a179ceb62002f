"""Files from the network: only from where they should come, no larger than they can be, in a limited time, whole or not at all.

A mirror may be taken over, or name a server that is. What it sends is compared with a checksum afterwards; what is limited here is
what it can do before: fill the disk, keep a job for days, or send it to a server of this machine or of the network around it.
"""

import ipaddress
import re
import signal
import socket
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any
from urllib.parse import urljoin

import pooch
from tqdm import tqdm

from sgdphysics.errors import one_line
from sgdphysics.labelled_arrays import DatasetError

_CONNECT_SECONDS, _SILENCE_SECONDS = 10, 30
_START_SECONDS, _LEAST_BYTES_PER_SECOND = 60, 20_000
_MOST_REDIRECTS = 5
_SHOWN = 200  # characters of what a server says
# Names and addresses that every reader of addresses takes for the same: no user, no backslash, nothing quoted.
_ADDRESS = re.compile(r"(https?)://([a-z0-9.-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?([/?#][!-~]*)?", re.IGNORECASE)


class _RedirectError(Exception):
    """A server sends to another address, which it says."""


class _Limited:
    """A file that takes so many bytes and no more."""

    def __init__(self, file: IO[bytes], most: int):
        self.file, self.most = file, most

    def write(self, piece: bytes) -> None:
        if self.file.tell() + len(piece) > self.most:
            raise DatasetError(f"found more than {self.most:,} bytes, expected no more")
        self.file.write(piece)

    def flush(self) -> None:
        self.file.flush()


def compressed_bytes(size: int) -> int:
    """Return how many bytes a file of ``size`` bytes takes compressed at most: gzip adds little to what it cannot make smaller."""
    return size + size // 100 + (1 << 16)


def download(url: str, path: Path, most_bytes: int, seconds: float | None = None) -> None:
    """Load an address into a file, with a progress bar on standard error; no file stays where that fails.

    A server may send to another one, over http(s) and never from https to http. Only the server that is asked may be on this
    machine or in a private network.

    Args:
        url: An address, http(s).
        path: The file.
        most_bytes: It is given up where there are more.
        seconds: It is given up after so long; by default a minute, and as long as a slow line takes for ``most_bytes``.

    Raises:
        OSError: If the server does not answer or answers with an error: it may be better later.
        DatasetError: If the server sends to where it should not, or sends too much, or takes too long.
    """
    limit = _START_SECONDS + most_bytes / _LEAST_BYTES_PER_SECOND if seconds is None else seconds
    try:
        with _time_limit(limit), path.open("wb") as file, tqdm(total=most_bytes, ncols=79, unit="B", unit_scale=True) as bar:
            _download(url, _Limited(file, most_bytes), bar)
    except BaseException as error:
        path.unlink(missing_ok=True)
        if not isinstance(error, Exception) or isinstance(error, OSError | DatasetError):
            raise
        # Whatever else the transport has to say of an answer that it cannot read.
        raise OSError(f"not a readable answer ({one_line(error)})") from None


def _download(url: str, file: _Limited, bar: tqdm) -> None:
    transport = pooch.HTTPDownloader(
        progressbar=bar,
        timeout=(_CONNECT_SECONDS, _SILENCE_SECONDS),
        headers={"Accept-Encoding": "identity"},
        hooks={"response": lambda answer, **_: _check_answer(answer, file.most)},
    )
    address = url
    for _ in range(_MOST_REDIRECTS + 1):
        try:
            return transport(address, file, None)
        except _RedirectError as moved:
            address = _target(address, str(moved), url)
    raise DatasetError(f"redirected more than {_MOST_REDIRECTS} times, last to {_shown(address)}")


def _check_answer(answer: Any, most: int) -> None:
    """Look at the head of an answer before any more of it is read; raises `_RedirectError` where it sends elsewhere."""
    if answer.is_redirect:
        answer.close()
        raise _RedirectError(answer.headers["location"])
    announced = answer.headers.get("content-length", "0")
    if not re.fullmatch("[0-9]{1,15}", announced) or int(announced) > most:
        answer.close()
        raise DatasetError(f"found a length of {_shown(announced)} bytes, expected {most:,} at most")


def _target(address: str, location: str, first: str) -> str:
    """Where the server at an address sends to, if it may; ``first`` is where it began."""
    try:
        target = urljoin(address, location)
    except ValueError:
        target = location
    match = _ADDRESS.fullmatch(target)
    if not match:
        raise DatasetError(f"redirected to {_shown(target)}, expected an address with http(s)")
    if match[1].lower() == "http" and address.lower().startswith("https:"):
        raise DatasetError(f"redirected from https to {_shown(target)}, expected https")
    asked = _ADDRESS.fullmatch(first)
    if not (asked and asked[2].lower() == match[2].lower()) and not _is_public(match[2].strip("[]")):
        raise DatasetError(f"redirected to {_shown(target)}, on this machine or in a private network, expected a public address")
    return target


def _is_public(host: str) -> bool:
    """Whether no address of a host is one of this machine or of a private network; so is a host that is not found."""
    try:
        found = {str(entry[4][0]) for entry in socket.getaddrinfo(host, None)}
    except (OSError, UnicodeError):
        return True
    addresses = [ipaddress.ip_address(text.split("%")[0]) for text in found]
    addresses = [getattr(address, "ipv4_mapped", None) or address for address in addresses]
    return all(address.is_global and not address.is_multicast for address in addresses)


@contextmanager
def _time_limit(seconds: float) -> Generator[None]:
    """Give up a block after so long, whatever it waits for: a server that sends a byte now and then is never silent for long."""

    def give_up(*_: Any) -> None:
        raise DatasetError(f"not done after {seconds:.0f} s, given up")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _shown(text: str) -> str:
    text = text[:_SHOWN]
    return text if text.isascii() and text.isprintable() else ascii(text)
