"""Names, bundles, addresses and pins, against a server on this machine."""

from __future__ import annotations

import hashlib
import http.server
import json
import shutil
import threading
from pathlib import Path

import fsspec
import msgspec
import pyarrow as pa
import pytest

from thresher.classifiers import registry, registry_add
from thresher.classifiers.calibration import Platt
from thresher.classifiers.language import LanguageIdentifier, model_path
from thresher.classifiers.language_codes import ISO_639_1, code_of
from thresher.classifiers.model_files import cache_folder
from thresher.classifiers.preparation import folded, letters
from thresher.classifiers.quality import QualityModel, check_role
from thresher.filters.errors import ConfigError, ModelError
from thresher.filters.languages import LANGUAGES

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def home(monkeypatch, tmp_path) -> Path:
    """A registry and a cache of one's own."""
    monkeypatch.setenv("THRESHER_MODELS", str(tmp_path / "models"))
    return tmp_path


@pytest.fixture
def cache(monkeypatch, tmp_path) -> Path:
    """A cache without models, which remembers what was tried: to try again takes seconds."""
    shutil.copytree(cache_folder() / "sound", tmp_path / "cache" / "sound")
    monkeypatch.setenv("THRESHER_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def server():
    """Serves `files` by path, with the headers of the Hugging Face hub; notes what is asked for."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_HEAD(self):
            self.answer(body=False)

        def do_GET(self):
            self.answer(body=True)

        def answer(self, body):
            served.asked.append((self.command, self.path))
            data = served.files.get(self.path.split("?")[0])
            if data is None:
                self.send_error(404)
                return
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.send_header("ETag", f'"{hashlib.sha256(data).hexdigest()}"')
            self.send_header("X-Repo-Commit", COMMIT)
            self.end_headers()
            if body:
                self.wfile.write(data)

        def log_message(self, *_):
            pass

    served = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served.files, served.asked = {}, []
    thread = threading.Thread(target=served.serve_forever, daemon=True)
    thread.start()
    served.url = f"http://127.0.0.1:{served.server_port}"
    yield served
    served.shutdown()
    served.server_close()
    thread.join()


def bundle(folder: Path, card, **changes) -> Path:
    """A bundle as training makes it."""
    folder.mkdir(parents=True)
    shutil.copy(card.model, folder / "quality.bin")
    facts = json.loads(card.json()) | changes
    (folder / "card.json").write_text(json.dumps(facts), encoding="utf-8")
    return folder


TEXTS = pa.array(["the river carries silt", "buy cheap pills", ""])


def test_every_published_model_is_declared_whole():
    models = {model.name: model for model in registry.entries()}
    assert {"oh-eli5@1", "ultra-fineweb-en@1", "lid.176@1", "glotlid@3", "openlid@2"} <= set(models)
    for model in (each for each in models.values() if each.origin == "published"):
        assert model.licence
        assert model.source.startswith("https://")
        assert model.summary.endswith(".")
        assert len(model.sha256) in (0, 64)
        assert bool(model.positive_label) == (model.role == "quality")
    assert models["oh-eli5@1"].positive_label == "__label__hq"


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ("glotlid", "needs a version. Say glotlid@3."),
        ("glotlid@33", "Did you mean 'glotlid@3'?"),
        ("nothing-like-it@1", "See: thresher models list"),
        ("nothing", "A folder or file is named by a path: ./nothing"),
    ],
)
@pytest.mark.usefixtures("home")
def test_an_unknown_name_says_what_to_type(reference, said):
    with pytest.raises(ModelError) as caught:
        registry.find(reference)
    assert said in str(caught.value)


def test_a_bundle_by_name(home, card):
    calibration = {"method": "platt", "slope": 2.0, "intercept": 0.5}
    changes = {"calibration": calibration, "licence": "CC0"}
    bundle(home / "models" / "mine@1", card, **changes)
    found = registry.find("mine@1")
    assert (found.origin, found.sha256, found.licence) == ("user", card.sha256, "CC0")
    assert found.calibration == Platt(2.0, 0.5)
    model = QualityModel("mine@1")
    raw, scores = model.raw(TEXTS), model.score(TEXTS)
    assert scores.to_pylist()[2] is None
    expected = Platt(2.0, 0.5).apply(raw.to_numpy(zero_copy_only=False)[:2])
    assert scores.to_pylist()[:2] == pytest.approx(expected.tolist())
    other = QualityModel("mine@1", positive_label="__label__drop")
    assert other.score(TEXTS).equals(other.raw(TEXTS))  # it was fitted on the other label


@pytest.mark.usefixtures("cache")
def test_a_registry_in_a_bucket(card, monkeypatch):
    monkeypatch.setenv("THRESHER_MODELS", "memory://registry/")
    memory = fsspec.filesystem("memory")
    memory.pipe_file("/registry/mine@1/quality.bin", Path(card.model).read_bytes())
    memory.pipe_file("/registry/mine@1/card.json", card.json())
    assert "mine@1" in {model.name for model in registry.entries()}
    assert QualityModel("mine@1").sha256 == card.sha256
    memory.pipe_file("/registry/mine@1/quality.bin", b"changed")
    assert QualityModel("mine@1").sha256 == card.sha256  # it is known by its hash and is here
    memory.pipe_file("/registry/mine@1/card.json", b"{}")
    with pytest.raises(ModelError, match="is no card of a model"):
        registry.find("mine@1")
    memory.rm("/registry", recursive=True)


def test_a_bundle_whose_file_is_not_the_one_of_its_card(home, card):
    folder = bundle(home / "models" / "mine@1", card)
    with (folder / "quality.bin").open("ab") as file:
        file.write(b"!")
    with pytest.raises(ModelError, match="was declared"):
        QualityModel("mine@1")


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        (b"{", "is no card"),
        (b'{"sha256": "12", "labels": []}', "is no card"),
        (None, "has no card.json"),
    ],
)
def test_a_bundle_without_a_sound_card(home, card, facts, said):
    folder = bundle(home / "models" / "mine@1", card)
    (folder / "card.json").unlink()
    if facts is not None:
        (folder / "card.json").write_bytes(facts)
    with pytest.raises(ModelError, match=said):
        registry.find("mine@1")


def test_labels_that_are_not_as_declared(home, card):
    bundle(home / "models" / "mine@1", card, labels=["__label__hq", "__label__cc"])
    with pytest.raises(ModelError, match=r"mine@1: has no label __label__hq\. It has: __label__"):
        QualityModel("mine@1")


def test_models_of_the_other_role():
    with pytest.raises(ModelError, match="is a language model"):
        QualityModel("lid.176@1")
    with pytest.raises(ModelError, match="is no language model"):
        LanguageIdentifier(registry.Model("x@1", "", "quality"))


def test_a_model_of_the_other_score():
    machine = registry.find("machine-text-en@1")
    assert machine.role == "machine_text"
    check_role(machine, "machine_text")
    with pytest.raises(ModelError, match="has the role machine_text, and quality is wanted"):
        check_role(machine, "quality")
    own = msgspec.structs.replace(machine, role="helpful")
    check_role(own, "quality")
    check_role(own, "machine_text")


def test_a_role_of_a_card_is_any_word_but_no_sentence(home, card):
    folder = bundle(home / "models" / "mine@1", card, role="helpful_in_2_ways")
    assert registry.find("mine@1").role == "helpful_in_2_ways"
    assert QualityModel("mine@1").positive_label == "__label__keep"
    facts = json.loads((folder / "card.json").read_text())
    for role in ("", "Helpful", "a b", "a\x1b[1m", "a" * 100, 7, None):
        (folder / "card.json").write_text(json.dumps(facts | {"role": role}), encoding="utf-8")
        with pytest.raises(ModelError, match="is no card of a model"):
            registry.find("mine@1")
    del facts["role"]
    (folder / "card.json").write_text(json.dumps(facts), encoding="utf-8")
    assert registry.find("mine@1").role == "quality"


def test_a_folder_of_a_training_is_a_model(card, tmp_path):
    folder = bundle(tmp_path / "here", card)
    expected = QualityModel(card.model).score(TEXTS)
    for address in (str(folder), f"{folder}/", f"file://{folder}"):
        found = registry.find(address)
        assert (found.name, found.origin) == (address.rstrip("/"), "file")
        assert (found.sha256, found.role) == (card.sha256, card.card.role)
        assert QualityModel(address).score(TEXTS).equals(expected)
    with (folder / "quality.bin").open("ab") as file:
        file.write(b"!")
    with pytest.raises(ModelError, match="was declared"):
        QualityModel(str(folder))
    (folder / "quality.bin").unlink()
    with pytest.raises(ModelError, match=r"quality\.bin: there is no such model file"):
        QualityModel(str(folder))
    (folder / "card.json").unlink()
    with pytest.raises(ModelError, match=r"is a folder without card\.json\. Name a folder that"):
        registry.find(str(folder))


def test_a_card_names_no_file_elsewhere(card, tmp_path):
    folder = bundle(tmp_path / "here", card, model="/etc/../secret/quality.bin")
    assert registry.find(str(folder)).url == f"{folder}/quality.bin"


@pytest.mark.usefixtures("cache")
def test_a_folder_elsewhere_is_a_model(server, card):
    memory = fsspec.filesystem("memory")
    memory.pipe_file("/trained/mine/quality.bin", Path(card.model).read_bytes())
    memory.pipe_file("/trained/mine/card.json", card.json())
    server.files["/mine/quality.bin"] = Path(card.model).read_bytes()
    server.files["/mine/card.json"] = card.json()
    for address in ("memory://trained/mine", f"{server.url}/mine/"):
        assert registry.find(address).sha256 == card.sha256
        assert QualityModel(address).sha256 == card.sha256
    with pytest.raises(ModelError, match=r"is a folder without card\.json"):
        registry.find("memory://trained")
    memory.rm("/trained", recursive=True)


def test_a_card_beside_a_file_counts_if_it_speaks_of_it(card, tmp_path):
    folder = bundle(tmp_path / "here", card)
    path = str(folder / "quality.bin")
    assert registry.find(path).sha256 == card.sha256
    facts = json.loads(card.json()) | {"sha256": "0" * 64}
    (folder / "card.json").write_text(json.dumps(facts), encoding="utf-8")
    assert registry.find(path).sha256 == ""


@pytest.mark.usefixtures("cache")
def test_over_http_with_a_hash_once(server, card):
    server.files["/quality.bin"] = Path(card.model).read_bytes()
    url = f"{server.url}/quality.bin"
    expected = QualityModel(card.model).raw(TEXTS)
    assert QualityModel(url, sha256=card.sha256).raw(TEXTS).equals(expected)
    asked = len(server.asked)
    assert QualityModel(url, sha256=card.sha256).sha256 == card.sha256
    assert len(server.asked) == asked
    with pytest.raises(ModelError, match="no such model file"):
        QualityModel(f"{server.url}/missing.bin")
    server.files["/page.bin"] = b"<html>not a model</html>" * 50
    with pytest.raises(ModelError, match="not a fastText model file"):
        QualityModel(f"{server.url}/page.bin")
    with pytest.raises(ModelError, match="was declared"):
        QualityModel(url, sha256="0" * 64)


@pytest.mark.usefixtures("cache")
def test_from_the_hub(server, card, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", server.url)
    server.files["/me/repo/resolve/main/sub/quality.bin"] = Path(card.model).read_bytes()
    server.files[f"/me/repo/resolve/{COMMIT}/q.bin"] = Path(card.model).read_bytes()
    assert QualityModel("hf://me/repo/sub/quality.bin").sha256 == card.sha256
    pinned = f"hf://me/repo@{COMMIT}/q.bin"
    assert QualityModel(pinned, sha256=card.sha256).sha256 == card.sha256
    server.files.clear()
    asked = len(server.asked)
    assert QualityModel(pinned, sha256=card.sha256).sha256 == card.sha256
    assert len(server.asked) == asked
    with pytest.raises(ModelError, match="names no file"):
        QualityModel("hf://me/repo")


def test_a_name_without_a_hash_is_pinned_at_its_first_fetch(server, card, monkeypatch, cache):
    url = f"{server.url}/oh.bin"
    published = registry.Model("some@1", url, positive_label="__label__keep")
    monkeypatch.setattr(registry, "_published", lambda: (published,))
    server.files["/oh.bin"] = Path(card.model).read_bytes()
    assert registry.resolve("some@1").sha256 == card.sha256
    server.files["/oh.bin"] = model_path().read_bytes()
    # What was fetched is kept by its hash.
    assert registry.resolve("some@1").sha256 == card.sha256
    (cache / "models" / card.sha256).unlink()
    with pytest.raises(ModelError, match=r"has changed since .*thresher models fetch some@1 --acc"):
        registry.resolve("some@1")
    changed = registry.fetch(registry.find("some@1"), accept=True)
    assert registry.resolve("some@1").sha256 == changed.sha256 != card.sha256


def test_two_hashes_that_differ():
    with pytest.raises(ModelError, match="is asked for, and the registry has"):
        registry.resolve("lid.176@1", "0" * 64)


@pytest.mark.parametrize("what", ["file", "folder"])
def test_adding_a_model(home, card, what):
    source = card.model if what == "file" else str(card.folder)
    found = registry_add.add(source, "mine@2")
    assert (found.name, found.origin, found.sha256) == ("mine@2", "user", card.sha256)
    assert found.role == card.card.role
    folder = home / "models" / "mine@2"
    names = ["CARD.md", "calibration.png", "card.json", "mine.bin"]
    assert sorted(path.name for path in folder.iterdir()) == names
    expected = QualityModel(card.model).score(TEXTS)
    assert QualityModel("mine@2").score(TEXTS).equals(expected)
    with pytest.raises(ConfigError, match="is taken"):
        registry_add.add(source, "mine@2")
    with pytest.raises(ConfigError, match="is no name@version"):
        registry_add.add(source, "Mine")


@pytest.mark.usefixtures("home")
def test_a_card_knows_the_name_of_its_model(card, quantised):
    assert registry_add.add(str(card.folder)).name == "quality@1"
    with pytest.raises(ConfigError, match=r"quality@1 is taken\. A changed model has .*--name"):
        registry_add.add(str(quantised.folder))
    found = registry_add.add(str(quantised.folder), "small@1")
    assert found.url.endswith("/small.ftz")


@pytest.mark.usefixtures("home", "cache")
def test_adding_a_folder_of_a_bucket(card):
    memory = fsspec.filesystem("memory")
    memory.pipe_file("/trained/mine/quality.bin", Path(card.model).read_bytes())
    memory.pipe_file("/trained/mine/card.json", card.json())
    assert registry_add.add("memory://trained/mine").name == "quality@1"
    assert QualityModel("quality@1").sha256 == card.sha256
    memory.rm("/trained", recursive=True)


@pytest.mark.usefixtures("home")
def test_adding_a_file_without_a_card(card, tmp_path):
    path = tmp_path / "alone.bin"
    shutil.copy(card.model, path)
    with pytest.raises(ModelError, match="does not say which label is positive"):
        registry_add.add(str(path), "mine@3")
    with pytest.raises(ModelError, match="has no label x"):
        registry_add.add(str(path), "mine@3", positive_label="x")
    with pytest.raises(ConfigError, match="--name: is missing, and no card says it"):
        registry_add.add(str(path))
    with pytest.raises(ConfigError, match="--role: must be text"):
        registry_add.add(str(path), "mine@3", "__label__drop", role="Not A Role")
    helpful = registry_add.add(str(path), "helpful@1", "__label__drop", role="helpful")
    assert helpful.role == "helpful"
    found = registry_add.add(str(path), "mine@3", "__label__drop", licence="MIT")
    assert (found.positive_label, found.licence, found.role) == ("__label__drop", "MIT", "quality")
    language = registry_add.add(str(model_path()), "own-lid@1")
    assert language.role == "language"
    assert LanguageIdentifier("own-lid@1").identify(TEXTS)[0]["code"].as_py() == "en"


def test_labels_of_other_language_models():
    assert code_of("eng_Latn") == "en"
    assert code_of("cmn_Hani") == "zh"
    assert code_of("gom_Deva") == "gom"
    assert code_of("en") == "en"
    assert set(ISO_639_1.values()) <= LANGUAGES


def test_what_models_want_done_to_a_text(card):
    assert folded("Été\n\n\n\nÀ LA CARTE") == "ete \\n  \\n a la carte"
    assert letters("Hello, World 42! हिन्दी 日本語🙂") == "hello world हिन्दी 日本語"
    model = registry.resolve(card.model)
    plain = QualityModel(model)
    cut = QualityModel(msgspec.structs.replace(model, text="letters"))
    texts = pa.array(["The RIVER, the VALLEY!", None])
    lowered = pa.array(["the river the valley", None])
    assert cut.score(texts).equals(plain.score(lowered))
