"""What a caption or a notebook could bring onto a page: nothing of it loads, runs or leads elsewhere."""

import re

import pytest
from bs4 import BeautifulSoup
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from sgdphysics.report import notebooks
from sgdphysics.report.markup import harmless
from sgdphysics.report.text import caption_html

PICTURE = "data:image/png;base64,iVBORw0KGgo="
# Where a link may not lead, in the ways in which browsers read the same.
ADDRESSES = [
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    " \x01javascript:alert(1)",
    "java\tscript:alert(1)",
    "java\nscript\r:alert(1)",
    "\u00a0javascript:alert(1)",
    "vbscript:msgbox(1)",
    "data:text/html,<script>alert(1)</script>",
    "data:text/html;base64,PHNjcmlwdD4=",
    "file:///etc/passwd",
    "blob:https://example.org/1",
    "view-source:https://example.org",
    "x:y",
]
ENTITIES = [
    "&#106;avascript:alert(1)",
    "&#x6A;avascript&colon;alert(1)",
    "java&Tab;script:alert(1)",
    "java&NewLine;script:alert(1)",
    "&#0000106avascript:alert(1)",
    "&#1;javascript:alert(1)",
]
HARMLESS = [
    "https://doi.org/10.1/a:b",
    "http://example.org",
    "mailto:a@example.org",
    "#claims",
    "index.html#a:b",
    "a/b:c",
    "?q=a:b",
    "//example.org/x",
    "",
]


def links(page):
    return [link.get("href") for link in BeautifulSoup(page, "html.parser").find_all("a")]


@pytest.mark.parametrize("address", ADDRESSES)
def test_links_to_other_kinds_of_addresses_keep_only_their_text(address):
    attribute = address.replace("&", "&amp;").replace('"', "&quot;")
    page = harmless(f'<p>See <a href="{attribute}" title="here">this</a>.</p>')
    assert page == '<p>See <a title="here">this</a>.</p>'


@pytest.mark.parametrize("address", ENTITIES)
@pytest.mark.parametrize("quote", ['"', "'", ""])
def test_entities_hide_nothing(address, quote):
    assert links(harmless(f"<a href={quote}{address}{quote}>x</a>")) == [None]


@pytest.mark.parametrize("address", HARMLESS)
def test_links_that_a_reader_may_follow_stay(address):
    assert links(harmless(f'<a href="{address}">x</a>')) == [address]


GONE = {
    "script": "<script>alert(1)</script>",
    "script in capitals": "<SCRIPT SRC=//example.org></SCRIPT>",
    "script in a script": "<scr<script></script>ipt src=x>",
    "open script": "<script>alert(1)",
    "picture from elsewhere": '<img src="https://example.org/x.png">',
    "picture beside": '<img src="x.png">',
    "picture without a scheme": '<img src="//example.org/x.png">',
    "picture of another kind": '<img src="data:text/html,x">',
    "picture that fails": "<img src=x onerror=alert(1)>",
    "picture by the screen": '<picture><source srcset="https://example.org/x"></picture>',
    "frame": '<iframe src="https://example.org"></iframe>',
    "frame with a page": '<iframe srcdoc="<script>alert(1)</script>"></iframe>',
    "object": '<object data="https://example.org"></object>',
    "embed": '<embed src="https://example.org">',
    "style sheet": '<link rel="stylesheet" href="https://example.org/x.css">',
    "style": "<style>@import 'https://example.org'; body { display: none }</style>",
    "base": '<base href="https://example.org">',
    "refresh": '<meta http-equiv="refresh" content="0;url=https://example.org">',
    "form": '<form action="https://example.org"><input name="a"><button formaction="javascript:alert(1)"></button></form>',
    "drawing": "<svg onload=alert(1)><script>alert(1)</script><a xlink:href='javascript:alert(1)'></a></svg>",
    "link in a drawing": '<svg><animate attributeName="href" values="javascript:alert(1)"></animate></svg>',
    "video": '<video src="https://example.org"><source onerror="alert(1)"></video>',
    "template": "<template><script>alert(1)</script></template>",
    "no script": '<noscript><p title="</noscript><img src=x onerror=alert(1)>"></noscript>',
    "raw text": '<xmp><p title="</xmp><script>alert(1)</script>"></xmp>',
    "text field": '<textarea><img title="</textarea><img src=x onerror=alert(1)>"></textarea>',
    "comment": "<!-- <script>alert(1)</script> -->",
    "comment that ends early": "<!--><img src=x onerror=alert(1)>-->",
    "declaration": "<!DOCTYPE html [<!ENTITY x 'y'>]>",
    "instruction": "<?xml-stylesheet href='https://example.org'?>",
}


@pytest.mark.parametrize("text", GONE.values(), ids=GONE)
def test_what_loads_or_runs_goes(text):
    page = harmless(f"<p>before</p>{text}")
    assert page.startswith("<p>before</p>")
    assert not re.search(r"<(?!/?p\b|/?a\b)|example\.org|alert\(1\)(?!--&gt;|</)|javascript|on[a-z]+=(?!.*&gt;)", page[13:]), page


@pytest.mark.parametrize(
    "attribute",
    [
        "onclick=alert(1)",
        "ONMOUSEOVER='alert(1)'",
        "onfocus=alert(1) autofocus",
        "style='background: url(https://example.org)'",
        "style='position: fixed; inset: 0'",
        "style='text-align: left; background: red'",
        "srcset='https://example.org'",
        "background='https://example.org'",
        "formaction='javascript:1'",
        "xlink:href='javascript:1'",
        "href='javascript:1'",
        "src='https://example.org'",
        "ping='https://example.org'",
        "is='x-y'",
        "contenteditable",
    ],
)
@pytest.mark.parametrize("element", ["p", "table", "math", "mi", "h1"])
def test_of_an_element_that_stays_no_attribute_does_that_loads_or_runs(element, attribute):
    assert harmless(f'<{element} class="a" {attribute}>x</{element}>') == f'<{element} class="a">x</{element}>'


def test_a_second_attribute_of_the_name_hides_nothing():
    for first, second in (("javascript:1", "#a"), ("#a", "javascript:1")):
        assert links(harmless(f'<a href="{first}" href="{second}">x</a>')) in ([None], ["#a"])
    assert "javascript" not in harmless('<a href="#a" href="javascript:1">x</a><a href="javascript:1" href="#a">x</a>')


def test_what_pages_are_made_of_stays_as_it_is():
    kept = (
        f'<figure id="a"><div class="picture" tabindex="0" role="region" aria-label="b"><img src="{PICTURE}" width="2" height="1" '
        'alt="c &amp; d"></div><figcaption><strong>E.</strong> <em>f</em><br>g &lt; h</figcaption></figure>'
        '<table><tr><th scope="col" style="text-align:right">i</th><td colspan="2"><code>j</code></td></tr></table>'
        '<math xmlns="http://www.w3.org/1998/Math/MathML" display="block"><mfrac><mi mathvariant="bold">k</mi><mn>2</mn></mfrac>'
        '<mo stretchy="false">(</mo></math>'
    )
    assert harmless(kept) == kept
    assert harmless(harmless("<b>x<u onclick=1>y")) == harmless("<b>x<u onclick=1>y")


def test_a_picture_that_goes_leaves_its_words_and_an_unknown_element_its_text():
    assert harmless('<p><img src="x.png" alt="a <b>"> and <blink>c</blink></p>') == "<p>a &lt;b&gt; and c</p>"


def test_deep_html_is_no_trouble():
    assert harmless("<div>" * 3000 + "x" + "</div>" * 3000).count("<div>") == 3000


CAPTIONS = {
    "a link": "`x <javascript:alert(1)>`_",
    "a link in capitals": "`x <JAVASCRIPT:alert(1)>`__",
    "a reference": "x_\n\n.. _x: javascript:alert(1)",
    "a link by itself": ".. |y| replace:: x\n\n|y|_ \n\n.. _y: vbscript:alert(1)",
    "a page in an address": "`x <data:text/html,alert>`_",
    "a picture": ".. image:: https://example.org/x.png\n   :target: javascript:alert(1)",
    "a figure": ".. figure:: //example.org/x.svg\n\n   words",
    "raw": ".. raw:: html\n\n   <script>alert(1)</script>",
    "a role": ".. role:: raw-html(raw)\n   :format: html\n\n:raw-html:`<script>alert(1)</script>`",
    "a file": ".. include:: /etc/passwd",
    "a video": ".. image:: https://example.org/x.mp4",
    "an object": ".. image:: https://example.org/x.swf",
    "a style": '.. container:: x\n   :name: a" onclick="alert(1)\n\n   words',
    "head": ".. meta::\n   :http-equiv=refresh: 0;url=https://example.org",
}


@pytest.mark.parametrize("text", CAPTIONS.values(), ids=CAPTIONS)
def test_a_caption_loads_and_runs_nothing(text):
    page = BeautifulSoup(caption_html(f"**Title.** Text.\n\n{text}\n"), "html.parser")
    assert page.strong.string == "Title."
    assert not page.select("script, img, object, video, iframe, embed, meta, [onclick], a[href]")


def test_a_caption_keeps_its_links_and_formulas():
    page = BeautifulSoup(caption_html("**T.** `x <https://doi.org/10.1/a>`_, :math:`a^2`, :sub:`b`"), "html.parser")
    assert page.a["href"] == "https://doi.org/10.1/a"
    assert page.msup.get_text(strip=True) == "a2"
    assert page.find("sub").string == "b"


def shown(*cells):
    return BeautifulSoup(notebooks.page(new_notebook(cells=list(cells)), {}), "html.parser")


def output(kind, content):
    return new_code_cell("x", outputs=[new_output("display_data", {kind: content})])


OUTPUTS = [output("text/html", text) for text in GONE.values()] + [
    output("text/html", f'<a href="{address}">x</a>') for address in (*ADDRESSES, *ENTITIES)
]
OUTPUTS += [
    output("application/javascript", "alert(1)"),
    output("image/svg+xml", "<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'><script>alert(1)</script></svg>"),
    output("text/markdown", "![x](https://example.org/x.png) [y](javascript:alert(1)) <img src=x onerror=alert(1)>"),
    output("text/latex", "$\\href{javascript:alert(1)}{x}$"),
    new_code_cell("x", outputs=[new_output("stream", name="stdout", text="<script>alert(1)</script>")]),
    new_code_cell(
        "x", outputs=[new_output("error", ename="E", evalue="<script>", traceback=["\x1b[31m<script>alert(1)</script>"])]
    ),
    new_markdown_cell("![x](https://example.org/x.png) [y](javascript:alert(1)) [z](JAVASCRIPT&colon;alert(1)) <script>1</script>"),
    new_markdown_cell("[a]: javascript:alert(1)\n\n[x][a] <javascript:alert(1)>"),
]


def test_no_output_and_no_text_of_a_notebook_loads_or_runs_anything():
    page = shown(new_markdown_cell("# Title"), *OUTPUTS)
    assert page.title.string == page.h1.string == "Title"
    assert not page.main.select("script, style, link, meta, base, iframe, object, embed, form, input, button, svg, video, template")
    assert not [name for element in page.main.find_all(True) for name in element.attrs if name.startswith("on") or name == "style"]
    assert {link.get("href") for link in page.main.find_all("a")} == {None, "#harmful-link"}  # the other of the Markdown
    assert [image["src"][:19] for image in page.find_all("img")] == ["data:image/svg+xml;"]  # a drawing as a picture runs nothing


def test_a_picture_in_an_output_stays():
    page = shown(new_markdown_cell("# T"), output("image/png", "iVBORw0KGgo="))
    assert page.img["src"] == PICTURE
