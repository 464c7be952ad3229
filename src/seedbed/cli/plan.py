"""`seedbed plan`: shows the volumes and plants of a bank without generating rows."""

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from seedbed.bank.bundled import the_bank
from seedbed.cli.options import (
    BANK,
    NAMED,
    DatasetOptions,
    ScenarioOptions,
    dataset_options,
    output_options,
    scenario_options,
)
from seedbed.cli.prepare import prepared
from seedbed.cli.report import Progress, dollars, print_json, print_table
from seedbed.errors import InputError, counted

if TYPE_CHECKING:
    from seedbed.program.outline import AccountLine, Outline, RailLine
    from seedbed.program.turnover import RoleFlow
    from seedbed.scenario.plants import Plant, ScenarioPlant

__all__ = ["plan"]


@click.command()
@BANK
@NAMED
@click.option(
    "--explain", metavar="RAIL", help="Show only this rail: what it does, and which rule or key decided it."
)
@scenario_options
@dataset_options
@output_options
def plan(
    bank: str,
    instance: str | None,
    explain: str | None,
    planting: ScenarioOptions,
    asked: DatasetOptions,
    quiet: bool,
    as_json: bool,
) -> None:
    """Show what a bank would give: rail kinds, volumes, amounts, hours, caps, accounts, plants, expected rows.

    BANK is a file, or the name of a bundled bank. Nothing is written.
    """
    from seedbed.api import dataset_of, today  # noqa: PLC0415 - the heavy imports only where a command runs
    from seedbed.assembly.parts import settle_shared  # noqa: PLC0415
    from seedbed.program.explain import explained  # noqa: PLC0415
    from seedbed.program.outline import outline  # noqa: PLC0415
    from seedbed.scenario.overlays import coverage_matrix  # noqa: PLC0415

    model = the_bank(bank, instance)
    result = outline(model, asked.anchor or today(), asked.window_days, asked.accounts, asked.seed)
    if explain is not None:
        _print_explained(explain, explained(model, result, explain), as_json)
        return
    if result.refusal is not None:
        _print_refused(result, quiet, as_json)
        # The same error as that of the foundation.
        raise InputError(f"{result.instance}: {result.refusal}")
    dataset = dataset_of(model, result.anchor, asked.window_days, asked.accounts, asked.seed)
    progress = Progress(dataset, quiet)
    with ExitStack() as ending:
        foundation, _ = prepared(dataset, None, planting, progress, ending)
    progress.end()
    scenario, matrix = foundation.dataset.scenario, coverage_matrix(foundation.survey)
    made = settle_shared(foundation).planted
    assert scenario is not None and made is not None, "a scenario is planted"
    scenario = scenario.with_omissions(made.omitted)
    if as_json:
        cells = {
            rail: {kind: found if isinstance(found, str) else "admitted" for kind, found in row.items()}
            for rail, row in matrix.items()
        }
        print_json({**asdict(result), "scenario": scenario.to_json(), "coverage": cells})
        return
    if quiet:
        return
    _print_outline(result)
    _print_plants(scenario, Counter(plant.rpartition("-")[0] for plant in made.plants))
    _print_coverage(matrix)
    _print_expected(result)


def _print_explained(rail: str, facts: Mapping[str, Sequence[str]], as_json: bool) -> None:
    if as_json:
        print_json({"rail": rail, **facts})
        return
    lines = [
        (subject if not place else "", text) for subject, said in facts.items() for place, text in enumerate(said)
    ]
    print_table(("about", "what"), lines, rail)


def _print_refused(result: "Outline", quiet: bool, as_json: bool) -> None:
    """Prints the facts of a bank whose chains multiply too far. Then the command fails, like `data apply`."""
    if as_json:
        print_json({**asdict(result), "scenario": None, "coverage": {}})
    elif not quiet:
        _print_outline(result)
        _print_expected(result)


def _print_expected(result: "Outline") -> None:
    click.echo()
    click.echo(
        f"Expected: about {counted(result.expected_transactions, 'transaction')} and "
        f"{counted(result.expected_balances, 'daily balance')}, "
        f"{_size(result.expected_script_bytes)} as a PostgreSQL script."
    )


def _size(size: int) -> str:
    return f"{size / 1e6:,.1f} MB" if size >= 1e5 else f"{size / 1e3:,.1f} kB"


def _print_outline(result: "Outline") -> None:
    """Prints the window and the contents of the bank."""
    click.echo(
        f"{result.instance}: {result.first_day} to {result.anchor}, {result.window_days} days, "
        f"{result.business_days} of them business days"
    )
    click.echo()
    _print_rails(result.rails)
    _print_accounts(result.accounts)
    _print_flows(result.flows)


def _print_rails(lines: "Sequence[RailLine]") -> None:
    """Prints the firings and the caps of each rail."""
    print_table(
        (
            "rail",
            "type",
            "kind",
            "fires",
            ">units",
            ">per unit and day",
            ">median $",
            ">99% below $",
            "hours",
            ">rows",
        ),
        [
            (
                line.rail,
                line.transfer_type,
                line.kind,
                line.fires if line.counts is None else f"{line.fires}, {line.counts}",
                f"{line.units:,} {line.scale}",
                f"{line.daily:.3f}",
                dollars(line.median_cents),
                dollars(line.p99_cents),
                line.band or "after its parent",
                f"{line.expected_rows:,.0f}",
            )
            for line in lines
        ],
        "Rails",
    )
    caps = [(line.rail, role, way.lower(), dollars(cap)) for line in lines for role, way, cap in line.caps]
    if caps:
        click.echo()
        print_table(("rail", "accounts under", "direction", ">daily cap $"), caps, "Caps")


def _print_accounts(lines: "Sequence[AccountLine]") -> None:
    """Prints the accounts by role."""
    click.echo()
    print_table(
        ("role", "scope", "kind", "parent role", ">baseline", ">for plants", "for example"),
        [
            (
                line.role,
                line.scope,
                line.kind,
                line.parent_role or "-",
                f"{line.baseline:,}",
                f"{line.plant:,}",
                line.example_id,
            )
            for line in lines
        ],
        "Accounts",
    )


def _print_flows(flows: "Sequence[RoleFlow]") -> None:
    """What comes in and goes out per role, and which balances can only grow or fall."""
    if not flows:
        return
    notes = {(True, False): "only grows", (False, True): "only falls"}
    click.echo()
    print_table(
        ("role", ">in $", ">out $", ">net $", "balance"),
        [
            (
                flow.role,
                dollars(flow.received),
                dollars(flow.paid),
                dollars(flow.net),
                notes.get((flow.received > 0, flow.paid > 0), ""),
            )
            for flow in flows
        ],
        "Expected flows of a month (21 business days)",
    )


def _print_plants(scenario: "ScenarioPlant", made: Mapping[str, int]) -> None:
    """Prints the plants by kind: the number, the first plant, and the omitted plants."""
    from seedbed.scenario.kinds import KINDS  # noqa: PLC0415
    from seedbed.scenario.live import plant_line  # noqa: PLC0415

    rows = [
        (kind.name, f"{made.get(kind.name, 0):,}", kind.sheet, plant_line(plants[0]))
        for kind in KINDS.values()
        if (plants := scenario.of(kind.name))
    ]
    if scenario.hard_negatives:
        count = f"{made.get('hard_negative', 0):,}"
        rows.append(("hard_negative", count, "none: they are lawful", "one look-alike of every kind"))
    click.echo()
    print_table(("plants", ">planted", "surface on", "the first of them"), rows, "Plants")
    if scenario.omitted:
        click.echo()
        print_table(("omitted", "because"), scenario.omitted)


def _print_coverage(matrix: "Mapping[str, Mapping[str, Plant | str]]") -> None:
    """Prints a table of rails and kinds: a plus if the bank admits the plant, else the number of the reason."""
    reasons: dict[str, int] = {}
    rows = []
    for rail, row in matrix.items():
        cells = [
            str(reasons.setdefault(found, len(reasons) + 1)) if isinstance(found, str) else "+"
            for found in row.values()
        ]
        rows.append((rail, *cells))
    if rows:
        click.echo()
        print_table(
            ("rail", *(f">{kind}" for kind in next(iter(matrix.values())))), rows, "Coverage: + can be planted"
        )
        click.echo()
        print_table((">no", "because"), [(str(number), reason) for reason, number in reasons.items()])
