"""No finding is typed by hand: what captions, notebooks and the page say of a result is computed, or is not there.

A sentence counts as typed where it says of what was measured, in so many words and without a computed number, how it came out. What
a reader would see *if* a statement held, what a source claims, and what holds by algebra or by definition, are no findings.
"""

import ast
import json
import re

import pytest

from running import ROOT

FINDING = re.compile(
    r"""\b(?:
        (?:survives?|persists?|dominates?|vanish(?:es)?|outperforms?|accounts?\ for)
      | (?:falls?(?!\ of)|rises?(?!\ of)|grows?|shrinks?|drops|drifts|cools|heats|flattens?|increases|decreases|exceeds?|diverges?)
      | (?:agrees?|coincides?|follows?|carr(?:y|ies)|needs?|gives?|favours?|prefers?|arrives?|reaches|tells?|makes?)
            \ (?:\w+\ ){0,3}(?:same|most|least|little|much|more|less|fewer|faster|slower|all|none|too|well|alike|as)
      | (?:is|are|lies?|stays?|remains?|looks?)\ (?:\w+\ ){0,2}?(?:nearly|almost|far|much|flatter|sharper|stronger|weaker|larger
            |smaller|higher|lower|faster|slower|flat|negligible|constant|proportional|unchanged|too\ large)
      | too\ large\ exists
      | (?:do|does|did)\ not\ (?:fall|rise|grow|follow|agree|hold|depend|survive)
      | (?:is|are|do|does)\ not(?=[.;]) | so\ (?:do|does)\ \w+ | so\ they\ do
      | says?\ (?:little|nothing|much) | in\ the\ end | not\ only | by\ itself | no\ evidence | at\ all
    )\b""",
    re.VERBOSE | re.IGNORECASE,
)
# Words by which a sentence says something else than how it came out.
NO_FINDING = re.compile(
    r"\b(?:if|would|whether|should|could|may|might|can|wanted|expected|predicted|theory|algebra|identity|by definition|claims?|"
    r"claimed|paper|papers|talk|published|statement|asks?|assumes?|marks?|wherever|unless|until|where|dashed|dotted|hollow|"
    r"counts?|means|starts?|arxiv)\b",
    re.IGNORECASE,
)

# Sentences that stood in captions, notebooks, README and template, and were false for some study, or true by luck.
TYPED = [
    "Few directions carry 99 % of the variance, but so they do for a walk of another kind.",
    "The inverse sign survives held out and in the Hessian basis.",
    "What (a) gives in sample (d) gives as well.",
    "The noise is stronger in sharper directions and away from the centre.",
    "Correlation times fall with flatness only in the basis that was found from the same window.",
    "The noise first heats, then cools with the loss, not in all directions at quite the same rate.",
    "The two settings of label noise lie far above all others and make most of the correlation.",
    "With noise it drifts to flatter places, the faster the larger s.",
    "Survival depends on the horizon: all walkers diverge in the end, long before the bound.",
    "The second is the larger one for eta lambda > 1.",
    "That the spread follows the plain norm is not.",
    "A run with decay takes as many epochs as the penalty lasts and more: it needs more.",
    "Sharpness times size follows the generalization gap, so it grows towards the upper right.",
    "The walk gives the same there too.",
    "A heat bath is nearly as fast and only slower.",
    "The test error is nearly flat there.",
    "The loss of the control stays much lower.",
    "A learning rate that is too large exists.",
]
# Sentences that say what is drawn, how it is measured, or what would be seen.
NOT_TYPED = [
    "Lines and bands: geometric mean and 95 % Student t interval over seeds.",
    "If one constant served all directions, the points would lie on one line.",
    "Dashed: what constant temperature would give.",
    "The product of the two spreads does not change, by algebra.",
    "The paper finds that the variance falls with flatness.",
    "Frozen noise: the noise of SGD at one point, whose covariance comes from the landscape, without a restoring force.",
]


@pytest.mark.parametrize("words", TYPED)
def test_a_typed_finding_is_found(words):
    assert typed(words) == [words]


@pytest.mark.parametrize("words", NOT_TYPED)
def test_what_is_no_finding_is_none(words):
    assert typed(words) == []


@pytest.mark.parametrize("path", sorted((ROOT / "workflow" / "report").glob("*.rst")), ids=lambda path: path.stem)
def test_a_caption_says_what_is_drawn(path):
    assert not typed(path.read_text())


@pytest.mark.parametrize("path", sorted((ROOT / "workflow" / "notebooks").glob("*.ipynb")), ids=lambda path: path.stem)
def test_a_notebook_computes_what_it_says(path):
    cells = json.loads(path.read_text())["cells"]
    texts = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"]
    for cell in cells:
        if cell["cell_type"] == "code":
            constants = [node.value for node in ast.walk(ast.parse("".join(cell["source"]))) if isinstance(node, ast.Constant)]
            texts += [text for text in constants if isinstance(text, str) and " " in text]
    assert not [words for text in texts for words in typed(text)]


def test_the_page_computes_what_it_says():
    template = (ROOT / "workflow" / "report" / "index.html.j2").read_text()
    visible = re.sub(r"<(script|style)\b.*?</\1>|<[^>]*>|\{%.*?%\}", " ", template, flags=re.DOTALL)
    assert not typed(visible)


def typed(text):
    """The sentences of a text that are findings typed by hand; one with a computed part is none, nor is a short label."""
    text = re.sub(r"``?[^`]*``?|\$\$.*?\$\$|\$[^$]*\$", "x", text, flags=re.DOTALL)
    parts = [" ".join(words.split()) for words in re.split(r"(?<=[.;!?])\s+|\n\s*\n|\n- ", text)]
    sentences = [words for words in parts if words.endswith((".", ";", "!", "?")) or len(words.split()) > 8]
    computed = re.compile(r"\{.*\}")
    return [words for words in sentences if FINDING.search(words) and not NO_FINDING.search(words) and not computed.search(words)]
