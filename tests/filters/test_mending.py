"""What to type where something is not there."""

from __future__ import annotations

import re

import pytest
from fsspec.registry import known_implementations

from thresher.filters.mending import broken_link, needs_package, to_install


@pytest.mark.parametrize(
    ("error", "command"),
    [
        (ImportError("Install s3fs to access S3"), "pip install s3fs"),
        (ImportError("Please install gcsfs to access Google Storage"), "pip install gcsfs"),
        (ImportError('SFTPFileSystem requires "paramiko" to be installed'), "pip install paramiko"),
        (ImportError("Please install `spacy` to use en word tokenizer (`pip install spacy`)."),
         "pip install spacy"),
        (ImportError("Please install `a` and `b` to use C (`pip install fasteners py-b`)."),
         "pip install fasteners py-b"),
        (ImportError("No module named 'nothing'"), ""),
        (ValueError("Install s3fs to access S3"), ""),
    ],
)  # fmt: skip
def test_the_command_is_found_in_what_libraries_say(error, command):
    assert to_install(error) == command
    outer = RuntimeError("it failed")
    outer.__cause__ = error
    assert to_install(outer) == command
    first = f"{command} first: its place cannot be opened without it"
    assert needs_package(error, "its place") == (first if command else "")


@pytest.mark.parametrize("protocol", ["s3", "gs", "abfs", "sftp", "smb"])
def test_what_fsspec_says_today_is_understood(protocol):
    known = known_implementations[protocol]
    assert re.fullmatch(r"pip install [a-z0-9]+", to_install(ImportError(known["err"])))


def test_a_link_that_leads_nowhere(tmp_path):
    link = tmp_path / "link"
    link.symlink_to("nowhere")
    said = f"'{link}' is a link to 'nowhere', which is not there"
    for path in (link, link / "below" / "it", f"{link}/*.jsonl"):
        assert broken_link(str(path)) == said
    (tmp_path / "nowhere").mkdir()
    assert broken_link(str(link / "below")) == ""
    assert broken_link("a\0b") == ""
    assert broken_link(str(tmp_path / "not there")) == ""
