"""Figures with their captions, as parts of a page that needs no network."""

import base64
import re
import struct
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from sgdphysics.errors import InputError
from sgdphysics.report.text import caption_html

_PNG = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True)
class Figure:
    """A picture with its caption.

    Attributes:
        name: Such as ``feng2021_fig1``.
        title: First bold words of the caption.
        caption: As HTML.
        picture: The PNG file as a data address.
        width, height: In pixels.
    """

    name: str
    title: str
    caption: Markup
    picture: str
    width: int
    height: int

    @property
    def paper(self) -> str:
        """Key of the paper."""
        return self.name.split("_")[0]

    @property
    def alternative(self) -> str:
        """Text for those who do not see the picture."""
        return f"{self.name}: {self.title} The caption says what each panel shows."


def figure(picture: Path, caption: Path) -> Figure:
    """Return a figure with its caption.

    Args:
        picture: A PNG file.
        caption: reStructuredText in UTF-8 that starts with a title in bold.

    Raises:
        InputError: If a file is missing, or not what it should be.
    """
    content, text = _bytes(picture), _caption(caption)
    if content[:8] != _PNG or len(content) < 24:
        raise InputError(f"{picture}: not a PNG picture")
    width, height = struct.unpack(">II", content[16:24])
    title = re.search(r"\*\*(.+?)\*\*", text, re.DOTALL)
    return Figure(
        name=picture.stem,
        title=" ".join(title[1].split()) if title else picture.stem,
        caption=Markup(caption_html(text)),
        picture=f"data:image/png;base64,{base64.b64encode(content).decode()}",
        width=width,
        height=height,
    )


def _caption(path: Path) -> str:
    try:
        return _bytes(path).decode()
    except UnicodeDecodeError:
        raise InputError(f"{path}: not a caption in UTF-8") from None


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
