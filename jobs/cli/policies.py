"""`thresher policies`: list, show."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from thresher.jobs.cli.common import JsonFlag, print_json
from thresher.jobs.cli.tables import print_table


def list_policies(as_json: JsonFlag = False) -> None:
    """List the shipped policies; a recipe names one of them, or a file, in `judge.policy`."""
    from thresher.filters.policy import shipped_policies, shipped_policy

    policies = [shipped_policy(name) for name in shipped_policies()]
    if as_json:
        print_json(
            [
                {
                    "name": policy.name,
                    "version": policy.version,
                    "rules": len(policy.rules),
                    "source": policy.source,
                }
                for policy in policies
            ]
        )
        return
    rows = [(policy.name, policy.version, len(policy.rules), policy.source) for policy in policies]
    print_table("", ("name", "version", "rules", "source"), rows, framed=False)


def show(
    name: Annotated[str, typer.Argument(help="Name of a shipped policy.")],
    as_json: JsonFlag = False,
) -> None:
    """Print a shipped policy as the TOML file that it is. Send it to a file, change a bound and
    its name there, and write the path of the file in `judge.policy` of a recipe.
    """  # noqa: D205 - typer shows the whole text
    from thresher.filters.policy import policy_to_mapping, shipped_policy, shipped_policy_text

    if as_json:
        print_json(policy_to_mapping(shipped_policy(name)))
    else:
        sys.stdout.write(shipped_policy_text(name))
