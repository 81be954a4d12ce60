"""The step behind extraction: which pages it changes, and what it keeps of them."""

from __future__ import annotations

from thresher.pipeline.extract import Extracted
from thresher.pipeline.extract.columns import mending_column
from thresher.pipeline.extract.normal import normal_pages
from thresher.pipeline.read.records import Page


def page(text: str) -> Extracted:
    return Extracted(Page("", "", "", text, is_html=False, charset="utf-8"), text, "", "utf-8", "")


def test_texts_become_normal_and_mended_and_the_read_ones_are_kept():
    pages = [
        page(t) for t in ("One.", "One. \r\nTwo.", "Itâ€™s\u00ad \nso.", "Infor-  \nmation\u200b")
    ]
    found = normal_pages(pages)
    assert [each.text for each in found] == ["One.", "One.\nTwo.", "It’s\nso.", "Information"]
    assert [each.read for each in found] == [None, *(each.text for each in pages[1:])]
    assert [each.as_read for each in found] == [each.text for each in pages]
    assert [each.page for each in found] == [each.page for each in pages]
    assert [list(row.values()) for row in mending_column(found).to_pylist()] == [
        [0, 0, 0, 0, 0],
        [1, 0, 0, 0, 0],
        [1, 1, 0, 1, 0],
        [2, 0, 0, 0, 1],
    ]


def test_what_a_soft_hyphen_hid_at_the_end_of_a_line_goes_with_it():
    (found,) = normal_pages([page("One. \u00ad\nTwo.")])
    assert found.text == "One.\nTwo."


def test_done_is_done():
    once = normal_pages([page("One. \r\nTwo."), page("One.")])
    again = normal_pages([*once, page("x \n")])
    assert all(one is other for one, other in zip(once, again, strict=False))
    assert again[2].text == "x\n"
    assert normal_pages([]) == []


def test_what_is_normal_is_handed_on():
    pages = [page("One."), page("semi-\nzzorgl")]
    found = normal_pages(pages)
    assert all(one is other for one, other in zip(pages, found, strict=True))
    assert {each for row in mending_column(found).to_pylist() for each in row.values()} == {0}
