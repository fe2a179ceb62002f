"""HTML that others wrote, or that came out of a notebook, with nothing left in it that would load something, run, or mislead.

What may stay is listed here, and nothing else does: text, tables, formulas in MathML, pictures that are part of the page, and links
that a reader follows. The policy of a page is a second lock on the same door.
"""

import re
from collections.abc import Iterable
from typing import Any

from bs4 import BeautifulSoup, Tag
from bs4.dammit import EntitySubstitution
from bs4.element import PreformattedString
from bs4.formatter import HTMLFormatter


def _names(*lines: str) -> frozenset[str]:
    return frozenset(" ".join(lines).split())


_KEPT = _names(
    "a abbr b blockquote br caption cite code col colgroup dd del details dfn div dl dt em figcaption figure h1 h2 h3 h4 h5 h6 hr",
    "i img ins kbd li main mark ol p pre q s samp section small span strong sub summary sup table tbody td tfoot th thead tr u",
    "ul var wbr",
    # formulas
    "math menclose merror mfrac mi mn mo mover mpadded mphantom mroot mrow mspace msqrt mstyle msub msubsup msup mtable mtd mtext",
    "mtr munder munderover",
)
# Of these the content is no text of the page, and goes with them; all others leave theirs.
_DROPPED = _names(
    "applet audio base embed frame frameset head iframe link meta noembed noframes noscript object plaintext script select style",
    "svg template textarea title video xmp",
)
_ATTRIBUTES = _names(
    "align alt aria-hidden aria-label border class colspan dir height id lang open role rowspan scope start tabindex title width",
    # of formulas
    "accent columnalign columnspacing display displaystyle fence form largeop linethickness lspace mathsize mathvariant maxsize",
    "minsize movablelimits notation rowspacing rspace scriptlevel separator stretchy symmetric xmlns",
)
_SCHEMES = ("http", "https", "mailto")
_PICTURE = re.compile(r"data:image/(png|jpeg|gif|webp|svg\+xml);base64,[A-Za-z0-9+/=\s]*", re.IGNORECASE)
_STYLE = re.compile(r"\s*(text-align:\s*(left|right|center)|font-weight:\s*bold)\s*;?\s*")
# What browsers pass over in an address: spaces and control characters at its beginning, line breaks and tabs anywhere.
_PASSED_OVER = re.compile(r"[\x00-\x20\x7f-\xa0\u2028\u2029\ufeff]+")


class _Formatter(HTMLFormatter):
    """Attributes in their order, and only those signs as entities that must be."""

    def attributes(self, tag: Tag) -> Iterable[tuple[str, Any]]:
        return tag.attrs.items()


_FORMATTER = _Formatter(entity_substitution=EntitySubstitution.substitute_xml, void_element_close_prefix="")


def harmless(text: str) -> str:
    """Return HTML without scripts, forms, styles, frames, comments, and addresses of other kinds than http(s) and mail.

    A picture stays if it is part of the text, as a ``data:`` address; another leaves the words that stand for it.
    """
    content = BeautifulSoup(text, "html.parser")
    for note in content.find_all(string=lambda found: isinstance(found, PreformattedString)):
        note.extract()
    for element in content.find_all(True):
        if not element.decomposed:
            _cleaned(element)
    return content.decode(formatter=_FORMATTER)


def _cleaned(element: Tag) -> None:
    if element.name in _DROPPED:
        element.decompose()
    elif element.name not in _KEPT:
        element.unwrap()
    elif element.name == "img" and not _PICTURE.fullmatch(str(element.get("src", ""))):
        element.replace_with(str(element.get("alt", "")))
    else:
        element.attrs = {name: value for name, value in element.attrs.items() if _may_stay(element.name, name, value)}


def _may_stay(element: str, name: str, value: str | list[str]) -> bool:
    if (element, name) == ("a", "href"):
        return _is_harmless_address(str(value))
    return name in _ATTRIBUTES or (element, name) == ("img", "src") or (name == "style" and bool(_STYLE.fullmatch(str(value))))


def _is_harmless_address(address: str) -> bool:
    """Whether an address is one on this site, or of a kind that may stay."""
    scheme, colon, _ = _PASSED_OVER.sub("", address).partition(":")
    return not colon or any(sign in scheme for sign in "/?#") or scheme.lower() in _SCHEMES
