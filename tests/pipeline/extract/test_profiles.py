"""What the profiles make of pages: structure, choice of lines, signals, custom functions."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from thresher.filters.errors import ConfigError
from thresher.filters.kernels.text.trees import CERTAIN, probabilities
from thresher.filters.signals import family
from thresher.pipeline.extract import Extracted, Extractor, ExtractSettings
from thresher.pipeline.extract import kernels as k
from thresher.pipeline.extract.choice import best_choice
from thresher.pipeline.extract.columns import extract_column
from thresher.pipeline.extract.features import read_lines
from thresher.pipeline.extract.model import line_model
from thresher.pipeline.extract.profiles import load_profile
from thresher.pipeline.extract.render import render
from thresher.pipeline.read.charset import Decoded
from thresher.pipeline.read.records import Page

PROSE = (
    "The river rises in the hills, runs south for forty miles, and meets the sea at a town that "
    "has lived from its harbour since the ninth century. "
)


def numbered(html):
    """Each PROSE in its own words, so that none is a repetition."""
    head, *rest = html.split("forty miles")
    return head + "".join(f"forty miles and {i} yards{part}" for i, part in enumerate(rest))


ARTICLE = numbered(f"""<html lang=en><head><title>On rivers</title></head><body>
<nav><ul><li><a href=/>Home</a><li><a href=/about>About</a><li><a href=/c>Contact</a></ul></nav>
<div class=sidebar><p>Popular</p><ul><li><a href=/1>First of them</a><li><a href=/2>Second</a></ul>
</div><main><article><h1>On rivers</h1><p>{PROSE * 2}</p><h2>What to bring</h2><p>{PROSE}</p>
<ul><li>a warm coat for the evening</li><li>boots that keep the water out</li></ul><p>{PROSE}</p>
<ol><li>Go to the bridge early in the morning.</li><li>Follow the left bank until noon.</li></ol>
<p>{PROSE * 2}</p><table><tr><th>Town</th><th>Miles from the sea</th></tr>
<tr><td>Aldham</td><td>32 and a half</td></tr><tr><td>Brey</td><td>12 or so</td></tr></table>
<p>{PROSE}</p><pre><code>def miles(towns):
    for town in towns:
        yield town.miles &lt; 20
</code></pre><p>{PROSE * 2}</p></article></main>
<h3>Related articles</h3><ul><li><a href=/3>Ten more rivers</a><li><a href=/4>On lakes</a></ul>
<footer><p>Copyright 2024. All rights reserved. <a href=/p>Privacy policy</a></p></footer>""")


def run(html, **options):
    profile = load_profile(ExtractSettings(**options))
    return profile(Decoded(html, "utf-8", "http"), html.encode())


def test_structure_survives_as_text():
    found = run(ARTICLE)
    assert found.text.startswith("On rivers\n\nThe river rises")
    for piece in (
        "\n\nWhat to bring\n\n",
        "\n- a warm coat for the evening\n- boots that keep the water out\n",
        "\n1. Go to the bridge early in the morning.\n2. Follow the left bank until noon.\n",
        "\nTown | Miles from the sea\nAldham | 32 and a half\nBrey | 12 or so\n",
        "\n\ndef miles(towns):\n    for town in towns:\n        yield town.miles < 20\n\n",
    ):
        assert piece in found.text
    for furniture in ("Home", "Popular", "Second", "Related", "Ten more", "Copyright"):
        assert furniture not in found.text
    facts = found.facts
    assert (facts.profile, facts.fallback, facts.has_code, facts.has_table) == (
        "balanced",
        None,
        True,
        True,
    )
    assert 0 < facts.words < facts.body_words
    assert facts.dropped_link_lines >= 5
    assert facts.link_fraction == facts.links_per_100_words == 0
    assert 0 < facts.body_link_fraction < 0.1
    assert facts.body_links_per_100_words == pytest.approx(100 * 8 / facts.body_words)


_RUN = st.lists(st.sampled_from(["a", "word", "brücke", "日本語", "1,5"]), min_size=1, max_size=9)


@given(st.lists(st.lists(st.tuples(st.booleans(), _RUN), min_size=1, max_size=5), max_size=6))
@settings(max_examples=100, deadline=None)
def test_links_are_counted_before_any_is_dropped(paragraphs):
    """Each paragraph is of runs of words, linked or not."""
    runs = [(linked, " ".join(words)) for paragraph in paragraphs for linked, words in paragraph]
    html = "".join(
        "<p>"
        + " ".join(
            f"<a href=/x>{' '.join(words)}</a>" if linked else " ".join(words)
            for linked, words in paragraph
        )
        for paragraph in paragraphs
    )
    facts = run(f"<body>{html}</body>").facts
    if not runs:
        assert facts.body_link_fraction is facts.body_links_per_100_words is None
        return
    size = sum(len(text.encode()) + 1 for _, text in runs) - len(paragraphs)
    linked = [text for linked, text in runs if linked]
    assert facts.body_link_fraction == sum(len(text.encode()) for text in linked) / size
    assert facts.body_links_per_100_words == 100 * len(linked) / facts.body_words
    assert 0 <= facts.link_fraction <= 1


def test_text_for_browsers_without_scripts_is_found():
    html = f"<html><body><div id=app></div><noscript><h1>Rivers</h1><p>{PROSE * 5}</p></noscript>"
    found = run(html)
    assert "forty miles" in found.text
    assert found.facts.fallback == "noscript"


@pytest.mark.parametrize("profile", ["balanced", "fast", "all_text", "precise"])
def test_pages_without_text_are_no_error(profile):
    for html in ("", "<html></html>", "<script>x</script>", "<p> \n </p>", "<a><a><a>"):
        assert run(html, profile=profile).text.strip() == ""


def test_nesting_gives_all_text():
    found = run("<div>" * 3000 + PROSE)
    assert (found.text.strip(), found.facts.fallback) == (PROSE.strip(), "depth")


def test_all_text_is_all_text():
    found = run(ARTICLE, profile="all_text")
    assert "Home" in found.text
    assert "Copyright" in found.text
    assert found.facts.words == found.facts.body_words


def test_a_custom_function_runs_in_the_extraction_process():
    choice = ExtractSettings(profile="custom", custom="textwrap:dedent")
    page = Page("", "", "", b"  <title>T</title> <p>words", True, "")
    with Extractor(choice) as extractor:
        (found,) = extractor.extract([page])
    assert (found.text, found.title, found.facts.profile) == (
        "<title>T</title> <p>words",
        "T",
        "custom",
    )
    with pytest.raises(TypeError, match="not str"):
        run("<p>", profile="custom", custom="builtins:len")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"profile": "custom"}, r"file\.py:function"),
        ({"custom": "a:b"}, 'profile = "custom"'),
        ({"profile": "custom", "custom": "a.b"}, "names no function"),
    ],
)
def test_settings_of_custom_functions_are_checked(options, message):
    with pytest.raises(ConfigError, match=message):
        ExtractSettings(**options).check("extract")


def test_lines_of_the_light_markup():
    lines = read_lines(
        '<h2>A &lt;b&gt; &amp;amp;</h2>\n\nHe said <a href="x">this\nand</a> that<a href="">.\n'
        "<ul>\n  <li>one</li>\n  <ol>\n    <li>two</li>\n  </ol></ul>\nx\t\ty\t\t\t\tz\t\t\n\t\tw\n"
        "<pre>a\n  b  \n\nc</pre>\n"
    )
    texts = [lines.text[a:b].decode() for a, b in lines.table[:, :2]]
    assert texts == [
        "A <b> &amp;", "He said this", "and that.", "one", "two", "x | y | z", "w", "a", "  b", "c"
    ]  # fmt: skip
    table = lines.table
    code = [k.CODE] * 3
    assert table[:, k.TAG].tolist() == [k.HEADING + 2, 0, 0, k.ITEM, k.ITEM, 0, 0, *code]
    assert table[:, k.LINKED].tolist()[:4] == [0, 4, 3, 0]
    assert table[:, k.CELLS].tolist()[5:7] == [3, 1]
    assert table[:, k.JOINS].tolist()[5:7] == [0, 1]
    assert table[:, k.ORDINAL].tolist()[3:5] == [0, 1]
    assert render(lines, np.ones(10, np.bool_)).endswith(
        "\n- one\n  1. two\n\nx | y | z | w\n\na\n  b\n\nc"
    )


@given(st.text(max_size=300) | st.text(alphabet='<>/aphlioupre&;ltgm \t\n"=', max_size=300))
@settings(max_examples=200, deadline=None)
def test_any_markup_gives_lines_within_bounds(markup):
    markup = markup.encode("utf-8", "replace").decode()
    lines = read_lines(markup)
    edges = lines.table[:, : k.TAG].ravel()
    assert (np.diff(edges) >= 0).all()
    assert (lines.sizes() > 0).all()
    assert (lines.table[:, k.LINKED] <= lines.sizes()).all()
    render(lines, np.ones(len(lines.table), np.bool_)).encode()


def test_the_model_is_its_trees():
    model = line_model()
    random_rows = np.random.default_rng(0).normal(5, 20, (50, 200))
    depth = len(model.features) // len(model.leaves)
    for row, found in zip(random_rows, probabilities(random_rows, model), strict=True):
        score = model.base
        for tree, leaves in enumerate(model.leaves):
            leaf = 0
            for question in range(tree * depth, tree * depth + depth):
                leaf = 2 * leaf + (row[model.features[question]] > model.thresholds[question])
            score += leaves[leaf]
        assert abs(found / CERTAIN - 1 / (1 + np.exp(-score / 1000))) < 0.01


def test_the_choice_is_the_best_of_all_choices():
    random_numbers = np.random.default_rng(1)
    for _ in range(20):
        chance = random_numbers.integers(1, CERTAIN, 8)
        weight = random_numbers.integers(1, 30, 8)
        values = []
        for bits in range(1, 256):
            flags = np.array([bits >> i & 1 for i in range(8)], bool)
            gained = (chance * weight)[flags].sum()
            values.append(2 * gained / (weight[flags].sum() * CERTAIN + (chance * weight).sum()))
        flags = best_choice(chance, weight)
        gained = (chance * weight)[flags].sum()
        value = 2 * gained / (weight[flags].sum() * CERTAIN + (chance * weight).sum())
        assert value == pytest.approx(max(values))


def test_signals_of_every_page_and_none_of_finished_text():
    text = Page("t", "", "", "finished text", False, "utf-8")
    html = Page("h", "", "", ARTICLE.encode(), True, "utf-8")
    with Extractor(ExtractSettings()) as extractor:
        column = extract_column(extractor.extract([text, html])).to_pylist()
    assert column[0] is None
    assert list(column[1]) == [one.name.split(".")[1] for one in family("extract").signals]
    assert column[1]["profile"] == "balanced"
    assert (column[1]["charset"], column[1]["charset_source"]) == ("utf-8", "http")
    assert 0 < column[1]["kept_word_fraction"] < 1
    assert column[1]["title_characters"] == len("On rivers")
    assert 0 < column[1]["title_word_fraction"] < 0.1  # "rivers"


def test_the_same_text_alone_in_a_batch_first_or_last():
    shuffled = random.Random(7)
    pages = []
    for i in range(40):
        parts = ARTICLE.split("<p>")
        shuffled.shuffle(parts)
        pages.append(Page(str(i), "", "", "<p>".join(parts[: 3 + i % 9]).encode(), True, ""))
    with Extractor(ExtractSettings()) as extractor:
        together = {p.record_id: r for p, r in zip(pages, extractor.extract(pages), strict=True)}
        for _ in range(3):
            shuffled.shuffle(pages)
            for page, result in zip(pages, extractor.extract(pages), strict=True):
                assert result == together[page.record_id]
        with Extractor(ExtractSettings()) as another:
            for page in pages[:10]:
                assert another.extract([page]) == [together[page.record_id]]
    assert any(isinstance(result, Extracted) for result in together.values())
