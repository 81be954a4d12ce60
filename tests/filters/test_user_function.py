"""Functions of the user's own, by reference."""

from __future__ import annotations

import hashlib
import sys

import pytest

from thresher.filters.errors import ConfigError
from thresher.filters.user_function import (
    check_reference,
    in_file,
    load_function,
    without_folder,
)


@pytest.fixture
def heads(tmp_path, monkeypatch):
    """Writes `heads.py`, which is a module of the path as well."""
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "heads", raising=False)

    def write(source):
        path = tmp_path / "heads.py"
        path.write_text(source, encoding="utf-8")
        return path

    yield write
    sys.modules.pop("heads", None)


def refused(reference):
    with pytest.raises(ConfigError) as caught:
        load_function(str(reference), "here")
    assert caught.value.where == "here"
    return str(caught.value)


def test_by_file_and_by_module_it_is_the_same(heads):
    path = heads("def score(texts):\n    return texts\n")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    for reference in (f"{path}:score", "heads:score"):
        function, source = load_function(reference, "here")
        assert function(["a"]) == ["a"]
        assert source == digest


def test_a_folder_with_a_colon(tmp_path):
    folder = tmp_path / "a:b"
    folder.mkdir()
    (folder / "one.py").write_text("def score(texts): return 1")
    function, _ = load_function(f"{folder}/one.py:score", "here")
    assert function([]) == 1


def test_what_a_file_holds_now_is_imported(heads):
    path = heads("def score(): return 1")
    assert load_function(f"{path}:score", "here")[0]() == 1
    heads("def score(): return 2")
    assert load_function(f"{path}:score", "here")[0]() == 2


@pytest.mark.parametrize(
    "reference", ["", "heads", "heads:", ":score", "a b:c", "heads.py", "a:b-c"]
)
def test_no_reference(reference):
    with pytest.raises(ConfigError, match=r"names no function\. Write package\.module:function or"):
        check_reference(reference, "here")
    assert "names no function" in refused(reference)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("def scores(): pass", "has no function 'score'. Did you mean 'scores'?"),
        ("score = 3", "has no function 'score'."),
        ("\nimport not_there_at_all", "ModuleNotFoundError: No module named 'not_there_at_all' "
         "(line 2)."),
        ("import sys\n\nsys.exit(3)", "cannot be imported: SystemExit: 3 (line 3)."),
        ("open('/not/there')", "cannot be imported: FileNotFoundError: [Errno 2]"),
        ("def score(:", "cannot be imported: SyntaxError"),
    ],
)  # fmt: skip
def test_a_module_that_is_wrong_says_how_and_where(heads, source, said):
    path = heads(source)
    assert said in refused(f"{path}:score")
    assert "every machine" not in refused(f"{path}:score")


def test_a_failed_import_is_tried_anew(heads):
    path = heads("raise ValueError('not yet')")
    assert "not yet" in refused(f"{path}:score")
    assert "not yet" in refused(f"{path}:score")


def test_what_is_not_there(tmp_path):
    assert "there is no file" in refused(tmp_path / "none.py:score")
    for place in ("thresher_nothing", "thresher.nothing"):
        found = refused(f"{place}:score")
        assert f"ModuleNotFoundError: No module named '{place}'" in found
        assert "It must be there on every machine" in found


def test_a_module_without_a_file_has_no_hash():
    assert load_function("builtins:len", "here") == (len, "")


def test_references_in_words():
    assert in_file("a/b.py:c")
    assert not in_file("a.b:c")
    assert without_folder("/x/y/heads.py:load") == "heads.py:load"
    assert without_folder("pkg.heads:load") == "pkg.heads:load"
