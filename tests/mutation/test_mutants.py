"""What the mutation run changes, and that it says what tests notice."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from mutants import mutants
from reach import early
from standing import MARKS, Result, Survivor, listed, read_survivors, sample, write_survivors

ROOT = Path(__file__).resolve().parents[2]


def changed(source):
    """What each mutant makes of a source of one changed line, by kind."""
    found = {}
    for mutant in mutants(source.encode(), "m.py"):
        found.setdefault(mutant.kind, set()).add(mutant.after)
    return found


@pytest.mark.parametrize(
    ("source", "kind", "expected"),
    [
        ("x = a < b <= c", "comparison", {"x = a <= b <= c", "x = a < b < c"}),
        ("x = (a) == (b)", "comparison", {"x = (a) != (b)"}),
        ("x = a not in b", "comparison", {"x = a in b"}),
        ("x = a and b", "condition", {"x = ((a) or (b))", "x = ((a))", "x = ((b))"}),
        ("x = not a", "condition", {"x = (a)"}),
        ("x = a if b else c", "condition", {"x = (a)", "x = (c)"}),
        ("x = [a for a in b if c]", "condition", {"x = [a for a in b if True]"}),
        ("x = a // b", "arithmetic", {"x = a * b"}),
        ("x = a + 'b'", "arithmetic", {"x = (a)", "x = ('b')"}),
        ("x = 7", "constant", {"x = 6", "x = 8"}),
        ("x = 0", "constant", {"x = 1"}),
        ("x = True", "constant", {"x = False"}),
        ("x = 'key'", "constant", {'x = ""'}),
        ("x = 0.5", "constant", {"x = 0.75"}),
        ("x = {'a': b, **c}", "entry", {"x = { **c}", "x = {'a': b, **{}}"}),
        ("x = [a, b]", "entry", {"x = [ b]", "x = [a, ]"}),
        ("x = (a, b)", "entry", {"x = (a, )"}),
        ("x = [*a]", "entry", {"x = []"}),
        ("x = f(a, k=b, j=c)", "argument", {"x = f(a,  j=c)", "x = f(a, k=b)"}),
        ("x = f(*a, **b)", "argument", {"x = f(*(), **b)", "x = f(*a, **{})"}),
        ("x = a.get(b, c)", "argument", {"x = a.get(b)"}),
        ("x = sorted(a)", "function", {"x = list(a)"}),
        ("x = a.lower()", "function", {"x = a"}),
        ("x = pc.min_element_wise(a, b)", "function", {"x = pc.max_element_wise(a, b)"}),
        ("x = a[b:c]", "slice", {"x = a[:c]", "x = a[b:]"}),
        ("def f(a=1): pass", "constant", {"def f(a=0): pass", "def f(a=2): pass"}),
    ],
)
def test_a_change_of_an_expression(source, kind, expected):
    assert {" ".join(text.split()) for text in expected} == changed(source)[kind]


@pytest.mark.parametrize(
    ("body", "kind", "expected"),
    [
        ("return a", "return", "return None"),
        ("raise a", "statement", "pass"),
        ("a()", "statement", "pass"),
        ("a.b = c", "statement", "pass"),
        ("a[b] = c", "statement", "pass"),
        ("p = a", "statement", "pass"),
        ("p += a", "statement", "pass"),
        ("yield a", "statement", "pass"),
        ("del a[b]", "statement", "pass"),
        ("if a: b", "condition", "if not (a): b"),
        ("while a: break", "statement", "while a: continue"),
        ("while a: continue", "statement", "while a: break"),
        ("with suppress(a, b): c", "exception", "with suppress(a, ZeroDivisionError): c"),
    ],
)
def test_a_change_of_a_statement(body, kind, expected):
    assert expected in changed(f"def f(p):\n    {body}")[kind]


def test_an_exception_passes():
    assert changed("try:\n  a\nexcept B:\n  c")["exception"] == {"raise"}


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("ORDER BY a DESC", {"ORDER BY a ASC"}),
        ("ORDER BY a, f(b, c), d", {"ORDER BY f(b, c), d", "ORDER BY a, d", "ORDER BY a, f(b, c)"}),
        ("a AND NOT b", {"a OR NOT b", "a AND b"}),
        ("x WHEN a = 1", {"x WHEN a <> 1", "x WHEN a = 2"}),
        ("a IS NULL", {"a IS NOT NULL"}),
        ("a LEFT JOIN b", {"a JOIN b"}),
        ("a WHEN 'b'", {"a WHEN 'xb'"}),
    ],
)
def test_a_change_of_sql(sql, expected):
    for literal in (f'"{sql}"', f'f"{sql}"', f'f"{{q}} {sql}"'):
        found = {
            text.split('"')[1].removeprefix("{q} ") for text in changed(f"x = {literal}")["sql"]
        }
        assert found == expected


def test_expressions_of_a_formatted_text_change_and_its_names_stay():
    assert changed('x = f"""é SELECT {a}\n {len(b) + 1!r} AND {{c}}"""') == {
        "arithmetic": {'{len(b) - 1!r} AND {{c}}"""'},
        "constant": {'{len(b) + 0!r} AND {{c}}"""', '{len(b) + 2!r} AND {{c}}"""'},
        "sql": {'{len(b) + 1!r} OR {{c}}"""'},
    }


@pytest.mark.parametrize(
    "source",
    [
        '"""A docstring."""',
        "x: Literal['a', 'b']",
        "assert a == 1",
        "from a import b",
        "__all__ = ['a', 'b']",
        "began = time.perf_counter() - 1",
        "f(seconds=1)",
        "x = 'what a long message says'",
        "if TYPE_CHECKING:\n    x = 1",
        "@kernel\ndef f(a):\n    return a == 1",
        "def f(a: 'int') -> 'str':\n    pass",
    ],
)
def test_what_nothing_follows_from_is_left_alone(source):
    assert not {mutant.kind for mutant in mutants(source.encode(), "m.py")} - {"statement"}


def test_the_text_of_an_error_stays_and_the_error_goes():
    assert changed("def f():\n    raise E('a', 1)") == {
        "statement": {"pass"},
        "constant": {"raise E('a', 0)", "raise E('a', 2)"},
    }


def test_a_mutant_knows_its_function_and_its_lines():
    source = (
        "A = 1\n"
        "class C:\n"
        "    @property\n"
        "    def f(self, b=2):\n"
        "        if (b ==\n"
        "                self):\n"
        "            def g():\n"
        "                return 3\n"
        "        return b\n"
    )
    found = {(m.before, m.kind): m for m in mutants(source.encode(), "m.py")}
    assert found["A = 1", "constant"].lines == (0, 0)
    default = found["def f(self, b=2):", "constant"]
    assert (default.function, default.lines, default.where) == (None, (5, 9), "C.f")
    test = found["if (b ==", "comparison"]
    assert (test.function, test.lines, test.line) == (("C.f", 3), (5, 6), 5)
    inner = found["return 3", "constant"]
    assert (inner.function, inner.lines, inner.where) == (("C.f", 3), (8, 8), "C.f.<locals>.g")


def test_functions_that_ran_before_a_test_began_are_known():
    sources = {
        "filters/kinds.py": b"""
def count(name): return _named(name)
def _named(name): return name
def later(): return _named('b')
""",
        "filters/words.py": b"""
import functools
from thresher.filters.kinds import count as made, later
class Words:
    FIRST = made('a')
    def again(self): return later()
TABLE = {'later': later}
@functools.cache
def kept(): return 1
""",
    }
    found = early(sources)
    assert found == {"filters/kinds.py": {"count", "_named"}, "filters/words.py": {"kept"}}


@pytest.mark.parametrize("module", ["pipeline/judge/candidates.py", "manifests/store.py"])
def test_mutants_of_our_modules_compile_and_differ(module):
    source = (ROOT / module).read_bytes()
    found = mutants(source, module)
    assert len({mutant.id for mutant in found}) == len(found) > 100
    for mutant in found:
        text = mutant.source(source)
        assert text != source
        compile(text, module, "exec")


def test_a_change_elsewhere_moves_no_mutant_of_the_sample():
    source = (ROOT / "pipeline/judge/top.py").read_bytes()
    before, after = (
        {m.id for m in sample(mutants(s, "m.py"), 30)}
        for s in (source, b"import this\n\n" + source)
    )
    assert before == after
    assert len(before) == 30


def test_the_list_keeps_reasons_and_drops_what_died(tmp_path):
    found = mutants(b"a = 1 < b\nc = 2 < d\n", "m.py")
    first, *others = found
    known = [
        Survivor(m.id, "m.py", m.where, m.before, m.after, True, 'the same, "really"')
        for m in others
    ]
    gone = Survivor("0" * 12, "m.py", "f", "x", "y", False, "of a line that is gone")
    other = Survivor("1" * 12, "n.py", "f", "x", "y", False, "of a module that was not run")
    path = tmp_path / "survivors.toml"
    write_survivors(path, [*known, gone, other])
    results = {
        first.id: Result(first.id, "m.py", "survived", "", "", 0.1),
        others[0].id: Result(others[0].id, "m.py", "killed", "t", "", 0.1),
        others[1].id: Result(others[1].id, "m.py", "survived", "", "", 0.1),
    }
    after = listed(read_survivors(path), {m.id: m for m in found}, results)
    assert {name: entry.why for name, entry in after.items()} == {
        first.id: "",
        **{m.id: 'the same, "really"' for m in others[1:]},
        other.id: other.why,
    }


def test_every_survivor_of_the_list_has_a_reason():
    entries = tomllib.loads((ROOT / "tests/mutation/survivors.toml").read_text(encoding="utf-8"))
    for entry in entries["survivors"]:
        assert len(entry["why"]) > 15, entry["id"]
        assert (ROOT / entry["module"]).is_file(), entry["id"]


MODULE = '''\
"""Planted."""

LIMIT = 3


def over(count, limit=2):
    if count > limit:
        return "over"
    while count < -100:
        count += 1
    return "within"


def unreached(a):
    return a + 1


def limited(count):
    return over(count, LIMIT)
'''
TEST = """\
import pytest

from thresher.jobs.plan import limited, over


@pytest.fixture(scope="module")
def answer():
    return over(9), limited(-102)


def test_over(answer):
    assert answer == ("over", "within")


def test_within():
    assert over(1) == "within"
"""
CLOSER = """

def test_at_the_limit():
    assert [over(2), over(3), limited(3), limited(4)] == ["within", "over", "within", "over"]
"""


@pytest.fixture
def planted(tmp_path):
    """A repository of one module and one test file."""
    (tmp_path / "jobs").mkdir()
    (tmp_path / "jobs/plan.py").write_text(MODULE)
    (tmp_path / "src/thresher").mkdir(parents=True)
    (tmp_path / "src/thresher/__init__.py").touch()
    (tmp_path / "src/thresher/jobs").symlink_to("../../jobs")
    (tmp_path / "tests/jobs").mkdir(parents=True)
    (tmp_path / "tests/mutation").mkdir()
    (tmp_path / "tests/jobs/test_plan.py").write_text(TEST)
    (tmp_path / "CONTRIBUTING.md").write_text(f"# Page\n{MARKS[0]}\nold\n{MARKS[1]}\nend\n")
    (tmp_path / "pyproject.toml").write_text(
        "[tool.pytest.ini_options]\naddopts = '--import-mode=importlib'\npythonpath = ['src']\n"
        "markers = ['slow', 'chaos', 'ray']\nfilterwarnings = ['error']\n"
    )
    return tmp_path


def run(root, *arguments):
    command = [sys.executable, str(ROOT / "tests/mutation/mutate.py"), "--root", str(root)]
    return subprocess.run([*command, "--all", *arguments], capture_output=True, text=True)


def results_of(root):
    return (root / ".mutation/results/jobs-plan.py.jsonl").read_text().strip().splitlines()


@pytest.mark.slow
def test_a_planted_survivor_is_reported_until_a_test_notices_it(planted):
    first = run(planted)
    assert first.returncode == 1, first.stdout + first.stderr
    survivors = read_survivors(planted / "tests/mutation/survivors.toml")
    changes = {each.after for each in survivors.values()}
    assert {"if count >= limit:", "return a - 1", "LIMIT = 4", "LIMIT = 2"} <= changes
    # A fixture of the module runs these lines, and the test that fails is not the one it ran in.
    assert 'return ""' not in changes
    assert "if count <= limit:" not in changes
    lines = results_of(planted)
    assert sum('"unreached"' in line for line in lines) == 4
    assert any('"timed out"' in line for line in lines), "count -= 1 never ends"
    page = (planted / "CONTRIBUTING.md").read_text()
    died = len(lines) - len(survivors)
    assert f"| `jobs` | {len(lines)} | {len(lines)} | 0 | {died} |" in page
    assert "old" not in page
    assert page.endswith("end\n")

    # Nothing is tried again, and what is broken off is gone on from.
    assert "0 mutants to try" in run(planted).stdout
    assert results_of(planted) == lines
    path = planted / ".mutation/results/jobs-plan.py.jsonl"
    path.write_text("\n".join(lines[:-3]) + '\n{"id": "torn')
    assert "3 mutants to try" in run(planted).stdout
    assert len(read_survivors(planted / "tests/mutation/survivors.toml")) == len(survivors)

    # What survived is tried again when its tests change, and a reason makes it equivalent.
    with (planted / "tests/jobs/test_plan.py").open("a") as file:
        file.write(CLOSER)
    listing = planted / "tests/mutation/survivors.toml"
    text = listing.read_text()
    entry = next(part for part in text.split("[[survivors]]") if "return a - 1" in part)
    named = entry.replace("equivalent = false", "equivalent = true").replace('""', '"Planted."')
    listing.write_text(text.replace(entry, named))
    again = run(planted)
    left = {each.after: each.why for each in read_survivors(listing).values()}
    assert "if count >= limit:" not in left
    assert "LIMIT = 4" not in left
    assert left["return a - 1"] == "Planted."
    assert "return a + 2" in left
    assert again.returncode == 1
    assert " | 1 | " in again.stdout
