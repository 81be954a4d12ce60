"""C4's and DCLM's line edits: the text that the tools which defined them leave."""

from __future__ import annotations

import pytest
import verdicts
from hypothesis import given, settings
from hypothesis import strategies as st

from thresher.filters.transforms.line_edits import c4_lines, c4_lines_any_end, dclm_lines

AGREEMENT = 0.995

PROSE = "The mill was built in 1850.\n  It burned down twice, and nobody knew why.  \n"


@pytest.mark.parametrize(
    ("text", "c4", "any_end"),
    [
        (PROSE, "The mill was built in 1850.\nIt burned down twice, and nobody knew why.", None),
        ("Home\nThree short words", "", "Three short words"),
        ("Cut off before the end...", "", "Cut off before the end..."),
        ("He said it again [12].", "He said it again .", None),
        ("A claim that is noted. [12]\nNext line is here.", "Next line is here.", ...),
        ("See our privacy policy for more.", "", None),
        ("Please enable JavaScript to go on.", "", None),
        ("Set x = {1, 2} to begin.", "Set x = {1, 2} to begin.", None),
        ("One two.", "", None),
        (f"A word {'x' * 1001} too long.", "", None),
        (f"A word {'x' * 1000} just fits.", f"A word {'x' * 1000} just fits.", None),
        ("", "", None),
    ],
)
def test_c4_keeps_whole_sentences(text, c4, any_end):
    assert c4_lines(text) == c4
    if any_end is ...:
        any_end = "A claim that is noted. \nNext line is here."
    assert c4_lines_any_end(text) == (c4 if any_end is None else any_end)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (PROSE, PROSE.strip()),
        ("HOME ABOUT Contact\nSome prose here.", "Some prose here."),
        ("2024\nSome prose here.\n\n\n\nMore of it.", "Some prose here.\n\nMore of it."),
        ("12K likes\n• 1,204 Comments •\n3 likes this.", "3 likes this."),
        ("Word\n \nTwo words", "Two words"),
        ("3 items in cart\nA long line of prose that mentions the items in cart of a shop.", None),
        ("Sign-in to comment\nIt went on. Read more...", "to comment\nIt went on."),
        ("", ""),
    ],
)
def test_dclm_drops_what_is_no_prose(text, left):
    if left is None:
        left = "3\n" + text.split("\n")[1]
    assert dclm_lines(text) == left


TEXTS = st.text(st.sampled_from("aB1 .?\n\r[]{k\"'\u2028\x1f…é"), max_size=60)


@settings(max_examples=300, deadline=None)
@given(text=TEXTS)
@pytest.mark.filterwarnings("ignore")  # of spaCy, numpy and datatrove
@pytest.mark.parametrize("any_end", [False, True])
def test_c4_equals_datatrove_line_by_line(text, any_end):
    from datatrove.data import Document
    from datatrove.pipeline.filters import C4QualityFilter

    peer = C4QualityFilter(
        filter_no_terminal_punct=not any_end,
        filter_curly_bracket=False,
        filter_lorem_ipsum=False,
        min_num_sentences=-1,
    )
    document = Document(text=text, id="0")
    assert peer.filter(document) is True
    assert (c4_lines_any_end if any_end else c4_lines)(text) == document.text


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.filterwarnings("ignore")  # of spaCy, numpy and datatrove
@pytest.mark.parametrize("source", ["composed", "real"])
@pytest.mark.parametrize("any_end", [False, True])
def test_c4_text_equals_datatrove_on_whole_documents(request, source, any_end):
    pytest.importorskip("spacy", reason="datatrove splits sentences with spaCy")
    from datatrove.data import Document
    from datatrove.pipeline.filters import C4QualityFilter

    peer = C4QualityFilter(filter_no_terminal_punct=not any_end)
    ours = c4_lines_any_end if any_end else c4_lines
    kept, different = 0, []
    for text in sampled(request, source):
        document = Document(text=text, id="0")
        if peer.filter(document) is True:
            kept += 1
            if ours(text) != document.text:
                different.append((ours(text)[:200], document.text[:200]))
    print(f"{kept - len(different)} of {kept} texts that datatrove keeps are equal")
    assert kept > (1000 if source == "real" else 300)
    assert len(different) <= (1 - AGREEMENT) * kept, different[:5]


def sampled(request, source):
    """All composed texts, or 400 of each real set."""
    if source == "composed":
        yield from (text for _, text in verdicts.read(None, verdicts.COMPOSED))
        return
    folder = request.getfixturevalue("real_data")
    for name in verdicts.SOURCES:
        texts = [text for _, text in verdicts.read(folder, name)]
        yield from texts[:: len(texts) // 400]
