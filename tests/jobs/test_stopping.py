"""Ctrl-C and SIGTERM stop in order; the same command goes on to the same bytes."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from thresher.filters.errors import ConfigError
from thresher.jobs import stopping
from thresher.jobs.executor import InProcess
from thresher.jobs.plan import make_plan
from thresher.jobs.progress import Silent
from thresher.jobs.recipe import read_recipe
from thresher.jobs.run import execute
from thresher.manifests.run import load_runs
from thresher.manifests.store import Store

BOUND = 40
"""Seconds after which a test gives up waiting; nothing is measured by it."""


@pytest.fixture
def start(tmp_path):
    """Starts the command in a process group of its own, which ends with the test."""
    started = []

    def begin(*arguments, code=""):
        # A shell starts jobs in the background with SIGINT ignored; a terminal does not.
        script = (
            "import signal, sys\n"
            "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
            f"{code}\n"
            "from thresher.jobs.entry import main\n"
            "main()\n"
        )
        with (tmp_path / "stderr").open("w") as errors:
            process = subprocess.Popen(
                [sys.executable, "-c", script, *map(str, arguments)],
                stdout=subprocess.PIPE,
                stderr=errors,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
                start_new_session=True,
            )
        started.append(process)
        return process

    yield begin
    for process in started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def ended(process, tmp_path):
    """Exit code and stderr of a process that must end by itself."""
    process.wait(BOUND)
    return process.returncode, (tmp_path / "stderr").read_text()


def wait_until(true):
    deadline = time.monotonic() + BOUND
    while not true():
        assert time.monotonic() < deadline, "it never came to that"
        time.sleep(0.02)


def curated(store):
    return {
        Path(path).name: hashlib.sha256(store.read_bytes(path)).hexdigest()
        for path in store.sizes("curated")
        if path.endswith(".parquet")
    }


def temporaries(store):
    return [path.name for path in Path(store.root).rglob(".tmp-*")]


@pytest.fixture(scope="module")
def whole(tmp_path_factory, sample):
    """The curated shards of a run that nothing stopped."""
    folder = tmp_path_factory.mktemp("whole")
    recipe = folder / "recipe.toml"
    listed = ", ".join(f'"{shard}"' for shard in sample.shards[:4])
    recipe.write_text(f'name = "whole"\nlake = "lake"\n[input]\nurls = [{listed}]')
    plan = make_plan(read_recipe(recipe))
    assert execute(plan, InProcess(), Silent()).status == "complete"
    return curated(plan.store)


@pytest.mark.chaos
@pytest.mark.parametrize("where", ["process", "group"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("how", [["--in-process"], ["--workers", "2"]], ids=["in-process", "ray"])
def test_a_signal_stops_a_run_and_the_same_command_goes_on(
    start, whole, sample, recipe_for, tmp_path, how, number, where
):
    recipe = recipe_for(tmp_path / "lake", [str(s) for s in sample.shards[:4]], "")
    store = Store(str(tmp_path / "lake"))
    process = start("run", recipe, *how)
    wait_until(lambda: store.sizes("manifests/text"))
    send = os.kill if where == "process" else os.killpg
    send(process.pid, number)
    code, message = ended(process, tmp_path)
    assert code == 128 + number
    assert "Traceback" not in message
    assert "StackTrace" not in message
    (said,) = [line for line in message.splitlines() if line.startswith("thresher: ")]
    by = "Ctrl-C" if number == signal.SIGINT else "SIGTERM"
    assert said.startswith(f"thresher: stopped by {by}; ")
    assert "of 4 shards are done; the same command goes on from there" in said
    assert load_runs(store)[0].status == "interrupted"
    if where == "process":  # else Ray's own processes die as well, and may be the last
        assert temporaries(store) == []
    begun = set(store.sizes("manifests"))
    assert begun
    done = start("run", recipe, *how)
    assert ended(done, tmp_path)[0] == 0
    assert begun <= set(store.sizes("manifests"))
    assert temporaries(store) == []
    assert load_runs(store)[0].status == "complete"
    assert curated(store) == whole


@pytest.mark.chaos
def test_what_a_kill_leaves_the_next_run_clears(start, sample, recipe_for, tmp_path):
    recipe = recipe_for(tmp_path / "lake", [str(s) for s in sample.shards[:2]], "")
    store = Store(str(tmp_path / "lake"))
    process = start("run", recipe, "--in-process")
    wait_until(lambda: any(".parquet" in name for name in temporaries(store)))
    os.killpg(process.pid, signal.SIGKILL)
    process.wait(BOUND)
    assert temporaries(store)
    assert ended(start("run", recipe, "--in-process"), tmp_path)[0] == 0
    assert temporaries(store) == []


STUCK = """
import threading, time
import thresher.pipeline.documents.measure as measuring
def stuck(*arguments):
    told = False
    while True:
        try:
            if not told:
                told = True
                print("stuck", flush=True)
            time.sleep(60)
        except BaseException:
            print("ignored", flush=True)
measuring.read_shard = stuck
"""


@pytest.mark.slow
def test_a_second_signal_quits_at_once(start, sample, recipe_for, tmp_path):
    recipe = recipe_for(tmp_path / "lake", [str(sample.shards[0])], "")
    process = start("run", recipe, "--in-process", code=STUCK)
    assert process.stdout.readline() == b"stuck\n"
    process.send_signal(signal.SIGINT)
    assert process.stdout.readline() == b"ignored\n"
    time.sleep(stopping._ECHO_SECONDS + 0.2)
    process.send_signal(signal.SIGTERM)
    code, message = ended(process, tmp_path)
    assert code == 128 + signal.SIGTERM
    assert message.count("thresher: stopped by SIGTERM") == 1
    assert temporaries(Store(str(tmp_path / "lake"))) == []


@pytest.mark.slow
def test_what_hears_no_signal_ends_by_the_clock(start, sample, recipe_for, tmp_path):
    code = f"{STUCK}\nfrom thresher.jobs import stopping\nstopping.GRACE_SECONDS = 0.5\n"
    recipe = recipe_for(tmp_path / "lake", [str(sample.shards[0])], "")
    process = start("run", recipe, "--in-process", code=code)
    assert process.stdout.readline() == b"stuck\n"
    process.send_signal(signal.SIGTERM)
    code, message = ended(process, tmp_path)
    assert code == 128 + signal.SIGTERM
    assert "Traceback" not in message


def test_a_signal_while_it_is_imported(start, tmp_path):
    code = (
        "import builtins, os, signal\n"
        "original = builtins.__import__\n"
        "def importing(name, *arguments):\n"
        "    if name == 'typer' and not os.environ.get('SENT'):\n"
        "        os.environ['SENT'] = '1'\n"
        "        os.kill(os.getpid(), signal.SIGINT)\n"
        "    return original(name, *arguments)\n"
        "builtins.__import__ = importing\n"
    )
    assert ended(start("--help", code=code), tmp_path) == (130, "thresher: stopped by Ctrl-C\n")


SLOW = "SELECT sum(a.range * b.range) FROM range(10000000) a, range(10000000) b"


def test_a_report_stops(start, sample, recipe_for, tmp_path):
    recipe = recipe_for(tmp_path / "lake", [str(sample.shards[4])], "")
    asking = (
        "import os, signal, threading\n"
        "import thresher.jobs.report.page as page\n"
        "from thresher.jobs import stopping\n"
        "stopping.GRACE_SECONDS = 1000\n"
        "def slow(database):\n"
        "    threading.Timer(1, os.kill, (os.getpid(), signal.SIGINT)).start()\n"
        f"    return database.execute('{SLOW}').fetchall()\n"
        "page._samples = slow\n"
    )
    code, said = ended(start("run", recipe, "--in-process", "-q", code=asking), tmp_path)
    assert (code, said[:31]) == (130, "thresher: stopped by Ctrl-C; ca"), said
    assert "the same command goes on" in said
    (record,) = load_runs(Store(str(tmp_path / "lake")))
    assert record.status == "interrupted"
    assert ended(start("run", recipe, "--in-process", "-q"), tmp_path)[0] == 0
    assert (tmp_path / "lake" / "report.html").exists()


@pytest.mark.slow
def test_the_demo_stops_at_its_questions(start, tmp_path):
    code = (
        "import os, signal, threading\n"
        "import thresher.jobs.cli.demo as demo\n"
        "from thresher.jobs import stopping\n"
        "stopping.GRACE_SECONDS = 1000\n"
        "ask = demo._ask\n"
        "def asking(store, run):\n"
        "    threading.Timer(2, os.kill, (os.getpid(), signal.SIGINT)).start()\n"
        "    ask(store, run)\n"
        "demo._ask = asking\n"
        f"demo._QUESTIONS = (('slow', '{SLOW}'),)\n"
    )
    process = start("demo", "--folder", tmp_path / "demo", "--in-process", code=code)
    found, said = ended(process, tmp_path)
    assert found == 130, said
    assert said.splitlines()[-1] == "thresher: stopped by Ctrl-C"


def test_a_query_stops(start, whole, sample, recipe_for, tmp_path):
    assert whole
    recipe = recipe_for(tmp_path / "lake", [str(sample.shards[4])], "")
    assert ended(start("run", recipe, "--in-process", "-q"), tmp_path)[0] == 0
    code = (
        "import os, signal, threading\n"
        "import thresher.manifests.catalog as catalog\n"
        "connect = catalog.connect\n"
        "def connecting(*where, **how):\n"
        "    threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()\n"
        "    return connect(*where, **how)\n"
        "catalog.connect = connecting\n"
    )
    for form in ([], ["--json"]):
        process = start("query", SLOW, "-l", tmp_path / "lake", *form, code=code)
        assert ended(process, tmp_path) == (130, "thresher: stopped by Ctrl-C\n")


@pytest.fixture
def heeding():
    with stopping.heeded():
        yield


def test_the_handlers_are_put_back():
    before = [signal.getsignal(number) for number in stopping.SIGNALS]
    with stopping.heeded():
        assert [signal.getsignal(number) for number in stopping.SIGNALS] != before
        signal.signal(signal.SIGTERM, signal.SIG_DFL)  # as Ray puts its own
        stopping.heed_again()
        with pytest.raises(stopping.Stopped) as stopped:
            os.kill(os.getpid(), signal.SIGTERM)
        assert stopped.value.exit_code == 143
    assert [signal.getsignal(number) for number in stopping.SIGNALS] == before
    assert not stopping.requested()
    stopping.heed_again()
    assert [signal.getsignal(number) for number in stopping.SIGNALS] == before


def test_what_was_started_deaf_stays_so():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with stopping.heeded():
            os.kill(os.getpid(), signal.SIGINT)
            stopping.check()
    finally:
        signal.signal(signal.SIGINT, before)


class Finalized:
    """Sends a signal from inside a finalizer, as the end of a file of Parquet may meet one."""

    def __del__(self):
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(0.001)


@pytest.mark.usefixtures("heeding")
def test_a_signal_that_a_finalizer_swallows_comes_again(capsys):
    thing = Finalized()
    with pytest.raises(stopping.Stopped) as stopped:  # noqa: PT012 - it is raised somewhere in here
        del thing
        deadline = time.monotonic() + BOUND
        while time.monotonic() < deadline:
            time.sleep(0.01)
    assert stopped.value.number == signal.SIGTERM
    assert capsys.readouterr().err == ""


@pytest.mark.usefixtures("heeding")
def test_what_was_heard_meanwhile_does_not_come_again():
    thing = Finalized()
    del thing
    with pytest.raises(stopping.Stopped):
        stopping.check()
    time.sleep(5 * stopping._AGAIN_SECONDS)  # here it would be raised


def test_what_else_a_finalizer_raises_is_told(monkeypatch):
    told = []
    monkeypatch.setattr(sys, "unraisablehook", told.append)
    with stopping.heeded():
        sys.unraisablehook(other := object.__new__(Unraisable))
    assert told == [other]
    assert sys.unraisablehook == told.append


class Unraisable:
    exc_value = ValueError("of a finalizer")


def test_a_display_is_ended_before_the_last_word():
    script = (
        "from thresher.jobs import stopping\n"
        "with stopping.heeded():\n"
        "    stopping.before_quitting('END OF DISPLAY\\n')\n"
        "    stopping._quit(2)\n"
    )
    variables = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, env=variables)
    said = b"END OF DISPLAY\nthresher: stopped by Ctrl-C\n"
    assert (ended.returncode, ended.stderr) == (130, said)


@pytest.mark.usefixtures("heeding")
def test_an_echo_is_no_second_signal():
    with pytest.raises(stopping.Stopped):
        os.kill(os.getpid(), signal.SIGTERM)
    os.kill(os.getpid(), signal.SIGTERM)
    with pytest.raises(stopping.Stopped):
        stopping.check()


class Cut:
    """Runs nothing: stops in its own way, and remembers whether it was told to cancel."""

    cancelled = False

    def __init__(self, stop):
        self.stop = stop

    def run(self, tasks):
        next(iter(tasks))
        self.stop()
        yield from ()

    def cancel(self):
        self.cancelled = True


def lost_in_a_library():
    """As DuckDB does: what the handler raises becomes an error of its own."""
    try:
        os.kill(os.getpid(), signal.SIGINT)
    except BaseException:  # noqa: BLE001
        raise RuntimeError("Query interrupted") from None


def lost_for_good():
    with pytest.raises(stopping.Stopped):
        os.kill(os.getpid(), signal.SIGINT)
    stopping.check()


@pytest.mark.usefixtures("heeding")
@pytest.mark.parametrize(
    "stop",
    [lambda: os.kill(os.getpid(), signal.SIGINT), lost_in_a_library, lost_for_good],
    ids=["raised", "converted", "swallowed"],
)
def test_a_stopped_run_says_so_whatever_becomes_of_the_signal(recipe_for, sample, tmp_path, stop):
    plan = make_plan(
        read_recipe(recipe_for(tmp_path / "lake", [str(s) for s in sample.shards[:3]], ""))
    )
    executor = Cut(stop)
    with pytest.raises(stopping.Stopped) as stopped:
        execute(plan, executor, Silent())
    assert executor.cancelled
    assert stopped.value.exit_code == 130
    assert "measure: 0 of 3 shards are done" in stopped.value.message()
    (record,) = load_runs(plan.store)
    assert (record.status, record.failures) == ("interrupted", [])


def test_a_task_that_swallows_the_signal_does_not_go_on(
    heeding, recipe_for, sample, tmp_path, monkeypatch
):
    assert heeding is None
    import thresher.pipeline.documents.measure as measuring

    seen = []

    def reads(shard, *_arguments):
        seen.append(shard)
        lost_in_a_library()

    monkeypatch.setattr(measuring, "read_shard", reads)
    plan = make_plan(
        read_recipe(recipe_for(tmp_path / "lake", [str(s) for s in sample.shards[:3]], ""))
    )
    with pytest.raises(stopping.Stopped):
        execute(plan, InProcess(), Silent())
    assert len(seen) == 1
    assert load_runs(plan.store)[0].failures == []


def test_ray_takes_no_signal_for_itself(heeding, monkeypatch):
    """Ray's own handler for SIGTERM, in place while it starts, exits with code 1."""
    assert heeding is None
    from thresher.jobs import ray_cluster

    def init(**_options):
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        raise SystemExit(1)

    monkeypatch.setattr(ray_cluster.ray, "init", init)
    with pytest.raises(stopping.Stopped) as stopped:
        ray_cluster.connect(1, "", 0)
    assert stopped.value.number == signal.SIGTERM
    assert signal.getsignal(signal.SIGTERM) is stopping._received


def test_ray_that_does_not_start_says_why(monkeypatch):
    from thresher.jobs import ray_cluster

    def init(**_options):
        raise Exception("first line\nValueError: no room in /dev/shm.")

    monkeypatch.setattr(ray_cluster.ray, "init", init)
    with pytest.raises(
        ConfigError, match=r"does not start here: no room in /dev/shm\. Without it: --in-"
    ):
        ray_cluster.connect(1, "", 0)
