"""`seedbed plan`: what a bank would come to, without making a row."""

from dataclasses import asdict
from datetime import date

import click

from seedbed.cli.options import BANK, account_counts, dataset_options, output_options, read_bank
from seedbed.cli.report import dollars, print_json, print_table

__all__ = ["plan"]


@click.command()
@BANK
@dataset_options
@output_options
def plan(
    bank: str,
    anchor: date | None,
    window_days: int,
    accounts: tuple[tuple[str, int], ...],
    seed: int,
    quiet: bool,
    as_json: bool,
) -> None:
    """Show what a bank comes to: rail kinds, volumes, amounts, hours, caps, accounts and expected rows.

    BANK is a file, or the name of a bundled bank. Nothing is written.
    """
    from seedbed.api import today  # noqa: PLC0415 - the heavy imports only where a command runs
    from seedbed.plan.outline import outline  # noqa: PLC0415

    result = outline(read_bank(bank), anchor or today(), window_days, account_counts(accounts), seed)
    if as_json:
        print_json(asdict(result))
        return
    if quiet:
        return
    click.echo(
        f"{result.instance}: {result.first_day} to {result.anchor}, {result.window_days} days, "
        f"{result.business_days} of them business days"
    )
    click.echo()
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
                line.fires,
                f"{line.units:,} {line.scale}",
                f"{line.daily:.3f}",
                dollars(line.median_cents),
                dollars(line.p99_cents),
                line.band,
                f"{line.expected_rows:,.0f}",
            )
            for line in result.rails
        ],
        "Rails",
    )
    caps = [(line.rail, role, dollars(cap)) for line in result.rails for role, cap in line.caps]
    if caps:
        click.echo()
        print_table(("rail", "accounts under", ">daily cap $"), caps, "Caps")
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
            for line in result.accounts
        ],
        "Accounts",
    )
    click.echo()
    click.echo(
        f"Expected: about {result.expected_transactions:,} transactions and {result.expected_balances:,} daily "
        f"balances, {result.expected_script_bytes / 1e6:,.1f} MB as a PostgreSQL script."
    )
