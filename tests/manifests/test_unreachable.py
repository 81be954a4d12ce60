"""A lake that cannot be reached, read or written says so, where and why."""

from __future__ import annotations

import errno
import os
import pickle
import sys
import uuid

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from thresher.filters.errors import StoreError, UnreachableError
from thresher.manifests.run import RunRecord, load_runs, save_run
from thresher.manifests.store import Store, cause_of

NoCredentialsError = type("NoCredentialsError", (Exception,), {"__module__": "botocore.exceptions"})

CALLS = {
    "check": lambda store: store.check(),
    "open": lambda store: store.open("a"),
    "read": lambda store: store.read_bytes("a"),
    "write": lambda store: store.write_bytes("a/b", b"1"),
    "exists": lambda store: store.exists("a"),
    "sizes": lambda store: store.sizes("a"),
    "remove": lambda store: store.remove("a"),
}


def write_until(store, error):
    with store.writer("a/b") as file:
        file.write(b"half")
        raise error


class Refusing(MemoryFileSystem):
    """A file system without an answer: every call raises `error`."""

    protocol = "refusing"
    error: Exception = NoCredentialsError("Unable to locate credentials")

    def _refuse(self, *_arguments, **_options):
        raise self.error

    info = _open = open = find = makedirs = put_file = rm_file = exists = _refuse


fsspec.register_implementation("refusing", Refusing, clobber=True)


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (NoCredentialsError("Unable to locate credentials"), UnreachableError),
        (ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused"), UnreachableError),
        (TimeoutError("timed out"), UnreachableError),
        (OSError(errno.EBUSY, "Please reduce your request rate"), UnreachableError),
        (PermissionError(errno.EACCES, "Access Denied"), StoreError),
        (OSError(errno.ENOSPC, "No space left on device"), StoreError),
    ],
)
def test_every_call_says_where_and_why(monkeypatch, call, error, kind):
    monkeypatch.setattr(Refusing, "error", error)
    store = Store(f"refusing://{uuid.uuid4().hex}")
    with pytest.raises(StoreError) as raised:
        CALLS[call](store)
    assert type(raised.value) is kind
    assert store.url() in str(raised.value)
    assert (getattr(error, "strerror", None) or str(error)) in str(raised.value)
    # Executors try again what is a lost connection, in workers, from where errors come pickled.
    again = pickle.loads(pickle.dumps(raised.value))
    assert isinstance(again, ConnectionError) == (kind is UnreachableError)
    assert str(again) == str(raised.value)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO])
def test_a_disk_that_fills_in_the_middle_of_a_file(tmp_path, number):
    store = Store(str(tmp_path))
    with pytest.raises(StoreError, match=os.strerror(number)) as raised:
        write_until(store, OSError(number, os.strerror(number)))
    assert str(tmp_path / "a/b") in str(raised.value)
    assert list(tmp_path.rglob("*b")) == []


def test_a_disk_that_is_full_at_the_last_moment(tmp_path, monkeypatch):
    def full(_handle):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreError, match="No space left on device"):
        Store(str(tmp_path)).write_bytes("b", b"1")
    assert list(tmp_path.iterdir()) == []


def test_what_the_block_itself_raises_is_left_alone(tmp_path):
    for error in (ZeroDivisionError(), ConnectionResetError("lost"), OSError(errno.ENOENT, "no")):
        with pytest.raises(type(error)) as raised, Store(str(tmp_path)).writer("a"):
            raise error
        assert raised.value is error


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("a::b", "chain"),
        ("zip://x::file:///tmp/a.zip", "chain"),
        ("simplecache::s3://bucket/lake", "chain"),
        ("a\\b", "folder's name"),
        ("a\0b", "NUL"),
        ("caf\udce9", "LC_ALL"),
        ("nosuch://lake", "nosuch://lake: no such place for a lake: Protocol not known"),
        ("s3://bucket/lake", "pip install s3fs first: s3://bucket/lake cannot be opened"),
    ],
)
def test_where_no_lake_can_be(url, why, monkeypatch):
    monkeypatch.setitem(sys.modules, "s3fs", None)  # as where it is not installed
    monkeypatch.delitem(sys.modules["fsspec.registry"]._registry, "s3", raising=False)
    with pytest.raises(StoreError, match=why):
        Store(url)


def test_a_lake_is_no_file(tmp_path):
    (tmp_path / "lake").write_text("")
    with pytest.raises(StoreError, match="is a file"):
        Store(str(tmp_path / "lake")).check()
    Store(str(tmp_path / "none")).check()
    Store(str(tmp_path)).check()
    Store(f"memory://{uuid.uuid4().hex}").check()


def test_what_is_not_there_need_not_be_there(monkeypatch):
    monkeypatch.setattr(Refusing, "error", FileNotFoundError(errno.ENOENT, "no such folder"))
    store = Store(f"refusing://{uuid.uuid4().hex}")
    store.check()
    store.remove("a")
    assert store.sizes("a") == {}
    with pytest.raises(StoreError, match="a does not exist"):
        store.open("a")


def test_elsewhere_a_place_may_call_itself_a_file(monkeypatch):
    monkeypatch.setattr(Refusing, "info", lambda *_: {"type": "file"})
    Store(f"refusing://{uuid.uuid4().hex}").check()


def caused(error, cause):
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.EACCES, "Access Denied"), "Access Denied"),
        (OSError("of a driver"), "OSError: of a driver"),
        (OSError(), "OSError"),
        (ValueError("a word,\n  another"), "a word, another"),
        (ValueError(), "ValueError"),
        (KeyError("k"), "KeyError: 'k'"),
        (NoCredentialsError("none found"), "NoCredentialsError: none found"),
        (ImportError("Install gcsfs to access GCS"), "pip install gcsfs first"),
        (ImportError("no such module"), "no such module"),
        (caused(FileNotFoundError("http://x"), OSError(errno.EPIPE, "Broken pipe")), "Broken pipe"),
    ],
)
def test_a_cause_is_told_in_one_line(error, said):
    assert cause_of(error) == said


def test_nobody_listens_where_the_lake_is():
    with pytest.raises(StoreError, match="cannot be reached"):
        Store("http://127.0.0.1:9/lake").check()


def test_a_damaged_run_record_is_named(tmp_path):
    store = Store(str(tmp_path))
    save_run(store, RunRecord(run_id="a", name="a", status="complete", version="0", started="1"))
    store.write_bytes("runs/b.json", b'{"run_id": ')
    with pytest.raises(StoreError, match=r"b\.json is no run record"):
        load_runs(store)
