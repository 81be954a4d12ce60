"""`thresher models`: list, show, fetch, add."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
import typer

from thresher.jobs.cli.common import JsonFlag, output, print_json
from thresher.jobs.cli.tables import print_table

Name = Annotated[
    str, typer.Argument(help="NAME@VERSION, or the address of a model file or of its folder.")
]


def list_models(as_json: JsonFlag = False) -> None:
    """List the models that can be used by name: shipped, your own ($THRESHER_MODELS), published."""
    from thresher.classifiers.registry import entries

    models = entries()
    if as_json:
        print_json([_facts(model) for model in models])
        return
    names = ("name", "role", "origin", "licence", "summary")
    rows = [
        (model.name, model.role, model.origin, model.licence, model.summary) for model in models
    ]
    print_table("", names, rows, framed=False)


def show(name: Name, as_json: JsonFlag = False) -> None:
    """Show all that is known of a model, without fetching it."""
    from thresher.classifiers.registry import find

    _print(_facts(find(name)), as_json)


def fetch(
    name: Name,
    sha256: Annotated[str, typer.Option(help="Hash that the file must have.")] = "",
    accept: Annotated[
        bool, typer.Option("--accept", help="Pin a file that has changed since its first fetch.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Fetch a model into the cache, check its hash and try it in a process of its own."""
    from thresher.classifiers import registry
    from thresher.classifiers.fasttext_model import load

    model = registry.find(name)
    if sha256:
        model = msgspec.structs.replace(model, sha256=sha256.lower())
    file = registry.fetch(model, accept)
    labels, _ = load(file.path, name)
    found = _facts(msgspec.structs.replace(model, sha256=file.sha256))
    _print(found | {"file": str(file.path), "labels": list(labels)}, as_json)


def add(
    source: Annotated[
        str,
        typer.Argument(help="Path or URL of a .bin or .ftz model, or of the folder of a training."),
    ],
    name: Annotated[
        str, typer.Option(help="NAME@VERSION to use it by; by default what its card says.")
    ] = "",
    positive_label: Annotated[
        str, typer.Option(help="Label whose probability is the score, where no card says it.")
    ] = "",
    licence: Annotated[str, typer.Option(help="Of the model, where no card says it.")] = "",
    summary: Annotated[str, typer.Option(help="One sentence, where no card says it.")] = "",
    role: Annotated[
        str, typer.Option(help="quality, machine_text or another word, where no card says it.")
    ] = "",
    as_json: JsonFlag = False,
) -> None:
    """Add a model to your own registry ($THRESHER_MODELS); its card comes along."""
    from thresher.classifiers import registry_add

    added = registry_add.add(source, name, positive_label, licence, summary, role)
    _print(_facts(added), as_json)


def _facts(model: Any) -> dict[str, Any]:
    facts: dict[str, Any] = msgspec.to_builtins(model)
    if facts.get("calibration"):
        facts["calibration"] = facts["calibration"]["method"]
    return {"role": "quality", "origin": "published"} | facts


def _print(facts: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(facts)
        return
    for key, value in facts.items():
        shown = ", ".join(value[:12]) if isinstance(value, list) else str(value)
        more = f" and {len(value) - 12} more" if isinstance(value, list) and len(value) > 12 else ""
        output.print(f"{key:16}{shown}{more}", markup=False, highlight=False)
