"""Writes the pages of docs/ that are made from the program: python tools/reference.py"""

import inspect
import json
import re
import sys
from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from importlib import import_module
from pathlib import Path
from typing import Any

import click
import duckdb

import seedbed
from seedbed.bank.explanations import EXAMPLES as EXAMPLES_FILE
from seedbed.bank.explanations import Explanation, explanations
from seedbed.bank.json_schema import bank_schema
from seedbed.bank.kinds import RAIL_KINDS, RAIL_RULES, ROLE_KINDS, ROLE_RULES, RailRule
from seedbed.cli.main import COMMANDS
from seedbed.scenario.live import live_scenario
from seedbed.views import VIEWS, View
from seedbed.write import schema_statements
from seedbed.write.dialects import dialect_named
from seedbed.write.facts import STORED

DOCS = Path(__file__).parents[1] / "docs"
EXAMPLES = Path(__file__).parents[1] / "tests" / "bank"
BANK = Path(seedbed.__file__).parent / "banks" / "harbor_trust.yaml"
ANCHOR = date(2030, 1, 1)

VIEWS_HEAD = """# Views

The views are plain SQL on the two tables and the row of facts. They work on any feed that keeps the column contract.
Caps, ages, chains and expected nets of the bank are part of their text. Ages are counted up to `as_of` in
`<instance>_dataset`; set it with `--as-of` of `schema apply` and `data refresh`. The name of the instance precedes
every view name.

A row of an **exception view** is something wrong. Its `view_key` identifies it, and the answer key lists that key.
**Filled** views store their rows: `seedbed data refresh` rebuilds them, and `seedbed check` compares them with the
tables. On MariaDB and MySQL all views are filled.

| view | exception, keyed by | filled |
|---|---|---|
"""
LEDGER_HEAD = """# The tables, column by column

Every load, script and folder has these tables. The name of the instance precedes every table name. A feed of your own
fills the first two tables. The types are those of PostgreSQL; other engines use the nearest type. PostgreSQL,
MariaDB, MySQL and DuckDB show the texts as comments on tables and columns.

"""
LIVE_HEAD = """# Live scenario

This page is the output of `seedbed docs live-scenario harbor_trust --anchor 2030-01-01`: the default plants of the
larger bundled bank, one of each kind and rail, before `data apply` repeats them.

"""
COMMANDS_HEAD = """# Commands

This page is the output of `seedbed COMMAND --help`. BANK is a file, or the name of a bundled bank.
[Loading databases](databases.md) describes URLs.

Exit codes: 0 done; 1 a check found something; 2 invalid input; 3 a target (file, database) failed; 130 interrupted
with Ctrl-C; 141 the program that reads the output ended; 143 terminated.

"""
KEYS_HEAD = """# The bank file, key by key

This page lists every key of a bank file and the values that it takes. Keys in **bold** are required. An unknown key
is an error; the message names the nearest known key. The JSON Schema that `seedbed init` writes has the same content.
Money is in dollars with at most two decimals. A role is a name that you choose; accounts and rails refer to it.

"""
KINDS_PAGE = """# Kinds

The kind of a role says how its accounts open. The kind of a rail says how often it fires, which amounts it moves and
at what hours. The key `kind` of the bank file says it. Without the key, the rules on this page decide; the first that
matches counts. `seedbed plan BANK --explain RAIL` says what decided for a rail. `seedbed validate BANK` reports roles
and rails for which nothing decides. The figures are those of the description that Seedbed implements.

## Kinds of rails

Firings are per unit account and business day. The units are the customers' or the merchants' accounts, or the whole
bank (`system`). Amounts are lognormal. Hours are New York time.

| kind | firings | units | median | sigma | hours |
|---|---:|---|---:|---:|---|
{rails}
## Rules for rails

The words are those of the transfer type: `ACHReturn`, `ach_return` and `ach-return` have the same two words. The kind
of a sweep follows from its cadence.

| kind | any of these words | all of these words | none of these words | sides |
|---|---|---|---|---|
{rules}
## Kinds of roles

The opening balance is lognormal. A kind without figures opens at 0.00. An account that would go below zero opens
higher.

| kind | median opening | sigma |
|---|---:|---:|
{roles}
## Rules for roles

A role is of the first kind of which its name holds one of the texts, in any letter case and without separators. A
text that spans words of the name starts where one of them does: `DueFromFed` holds `duefrom`, and `ShareControl` does
not hold `recon`. An external account is of the kind `external`. A role without any of the texts is of the kind
`other`.

| kind | texts |
|---|---|
{texts}"""
MESSAGES_HEAD = """# What can be wrong with a bank file

Every message ends with the id of its rule. `seedbed rule ID` prints the section of this page: what is wrong, why it
matters, how to fix it, and the smallest bank that breaks the rule, with its message. A *finding* is not an error: the
bank is valid, but something in it can never hold or never happen.

"""
PYTHON_HEAD = """# Python reference

This page lists every public name of the package `seedbed`. [Python](python.md) shows examples.

"""


def ledger_page() -> str:
    """Every stored table with its columns: the contract's own words."""
    types = dialect_named("postgresql").types
    parts = []
    for table in STORED:
        rows = "".join(
            f"| `{c.name}` | {types[c.kind]} | {'yes' if c.nullable else ''} | {c.about}{_one_of(c.values)} |\n"
            for c in table.columns
        )
        head = "| column | type | may be null | meaning |\n|---|---|---|---|\n"
        parts.append(f"## {table.name}\n\n{table.about}\n\n{head}{rows}")
    return LEDGER_HEAD + "\n".join(parts)


def _one_of(values: tuple[str, ...]) -> str:
    return f" One of {', '.join(f'`{value}`' for value in values)}." if values else ""


def views_page() -> str:
    """Every view: what it is, and its columns with their types in DuckDB."""
    bank = seedbed.load_instance(BANK)
    parts = []
    with duckdb.connect() as connection:
        for statement in schema_statements(bank, "duckdb"):
            connection.execute(statement)
        for view in VIEWS:
            columns = connection.sql(f"SELECT * FROM {bank.instance}_{view.name} LIMIT 0")
            typed = zip(columns.columns, columns.types, strict=True)
            listed = ", ".join(f"`{name}` {str(kind).lower()}" for name, kind in typed)
            parts.append(f"## {view.name}\n\n{_prose(view)}\n\nColumns: {listed}\n")
    table = "".join(f"| [{v.name}](#{v.name}) | {v.keyed_by or ''} | {'yes' if v.filled else ''} |\n" for v in VIEWS)
    return f"{VIEWS_HEAD}{table}\n" + "\n".join(parts)


def _prose(view: View) -> str:
    """The docstring of the function that makes a view."""
    return inspect.getdoc(view.text) or ""


def live_page() -> str:
    """The live scenario of the larger bundled bank."""
    bank = seedbed.load_instance(BANK)
    report = seedbed.default_scenario_for(bank, anchor=ANCHOR, mode="l1_plus_broad")
    return LIVE_HEAD + live_scenario(report.scenario, bank.instance)


def commands_page() -> str:
    """Every command: how it is called, what it does, its options."""
    parts = []
    for group, table in COMMANDS.items():
        for name, (home, _) in table.items():
            if home:
                module, _, attribute = home.partition(":")
                parts.append(
                    _command(name if group == "seedbed" else f"{group} {name}", import_module(module), attribute)
                )
    return COMMANDS_HEAD + "\n".join(parts)


def _command(path: str, module: object, attribute: str) -> str:
    command: click.Command = getattr(module, attribute)
    context = click.Context(command, info_name=f"seedbed {path}")
    usage = " ".join(command.collect_usage_pieces(context))
    text = inspect.cleandoc(command.help or "")
    if "\b" in text:
        head, _, lines = text.partition("\b\n")
        text = f"{head.rstrip()}\n\n```text\n{lines}\n```"
    options = [option for option in command.params if isinstance(option, click.Option)]
    records = [record for option in options if (record := option.get_help_record(context))]
    rows = "".join(f"| `{_cell(names)}` | {_cell(words)} |\n" for names, words in records)
    table = f"\n| option | meaning |\n|---|---|\n{rows}" if rows else ""
    return f"## seedbed {path}\n\n`seedbed {path} {usage}`\n\n{text}\n{table}"


def _cell(text: str) -> str:
    """The text on one line, for a cell of a table."""
    return " ".join(text.split()).replace("|", "\\|")


def keys_page() -> str:
    """Every element of a bank file with its keys, from the JSON Schema."""
    schema = bank_schema()
    parts = [("The file", schema), *schema["$defs"].items()]
    return KEYS_HEAD + "\n".join(_element(name, part) for name, part in parts)


def _element(name: str, part: dict[str, Any]) -> str:
    required, rows = part.get("required", []), []
    for key, entry in part["properties"].items():
        shown = f"**`{key}`**" if key in required else f"`{key}`"
        values = ", ".join(dict.fromkeys(_values(entry))) or "anything"
        scalars = [choice["description"] for choice in entry.get("anyOf", ()) if "description" in choice]
        rows.append(f"| {shown} | {_cell(values)} | {_cell(' '.join((entry['description'], *scalars)))} |\n")
    title = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    title = title if name == "The file" else title[0] + title[1:].lower()
    return f"## {title}\n\n{part['description']}\n\n| key | value | meaning |\n|---|---|---|\n{''.join(rows)}"


def _values(entry: dict[str, Any]) -> Iterator[str]:
    """What may stand there, in a word or two each."""
    for choice in [*entry.get("anyOf", ()), *entry.get("oneOf", ())]:
        yield from _values(choice)
    match entry:
        case {"$ref": str(reference)}:
            name = reference.rpartition("/")[2]
            words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower()
            yield f"[{words}](#{words.replace(' ', '-')})"
        case {"enum": list(choices)} if len(choices) <= 8:
            yield " or ".join(f"`{choice}`" for choice in choices)
        case {"type": "array", "prefixItems": [first, *_]}:
            yield f"two of {' or '.join(_values(first))}"
        case {"type": "array", "items": dict(items)}:
            yield f"list of {' or '.join(_values(items))}"
        case {"type": "object", "patternProperties": dict(patterns)}:
            yield f"names to {' or '.join(word for values in patterns.values() for word in _values(values))}"
        case {"type": "object", "additionalProperties": dict(values)}:
            yield f"names to {' or '.join(_values(values))}"
        case {"type": ["number", "string"]}:
            yield "number"
        case {"type": "string"}:
            yield "text"
        case {"type": "boolean"}:
            yield "`true` or `false`"
        case {"type": "integer"}:
            yield "whole number"


def kinds_page() -> str:
    """The kinds of roles and rails with their figures, and the rules that decide without a key."""
    rails = (
        f"| `{kind.name}` | {kind.daily_firings.normalize():.3g} | {kind.scale} | {_dollars(kind.mu)} | {kind.sigma} "
        f"| {kind.band_start // 3600:02d}:00-{kind.band_end // 3600:02d}:00 |\n"
        for kind in RAIL_KINDS.values()
    )
    rules = (
        f"| `{rule.kind}` | {' | '.join(map(_listed, (rule.some, rule.every, rule.without)))} | {_sides(rule)} |\n"
        for rule in RAIL_RULES
    )
    roles = (f"| `{kind.name}` | {_dollars(kind.mu)} | {kind.sigma or ''} |\n" for kind in ROLE_KINDS.values())
    texts = (f"| `{kind}` | {', '.join(f'`{text}`' for text in texts)} |\n" for kind, texts in ROLE_RULES)
    return KINDS_PAGE.format(rails="".join(rails), rules="".join(rules), roles="".join(roles), texts="".join(texts))


def _dollars(mu: Decimal | None) -> str:
    return "" if mu is None else f"{mu.exp():,.0f}"


def _listed(words: frozenset[str]) -> str:
    return ", ".join(f"`{word}`" for word in sorted(words))


def _sides(rule: RailRule) -> str:
    sides = {"source": rule.source_customer, "destination": rule.destination_customer}
    said = [f"{'a' if is_one else 'no'} customer as {side}" for side, is_one in sides.items() if is_one is not None]
    return ", ".join([*said, *(["a merchant on a side"] if rule.merchant else [])])


def messages_page() -> str:
    """Every rule with its explanation, and the smallest bank that breaks it with the text that it gets."""
    parts = []
    for title, findings in (("Errors", False), ("Findings", True)):
        parts.append(f"## {title}\n")
        parts += [_rule(found) for found in explanations().values() if found.is_finding == findings]
    return MESSAGES_HEAD + "\n".join(parts)


def _rule(found: Explanation) -> str:
    text = f"### {found.id}\n\n{found.wrong} {found.why}\n\n**To fix it:** {found.fix}\n"
    example = f"\n```yaml\n{found.bank}\n```\n\n```text\n{found.said}\n```\n"
    return text + (example if found.bank else "")


def examples_file() -> str:
    """The smallest bank of every rule with the text that it gets, of those that the tests keep, as JSON."""
    examples = {}
    for path in sorted(path for folder in ("bad", "findings") for path in (EXAMPLES / folder).glob("*.yaml")):
        bank = path.read_text(encoding="utf-8").rstrip()
        if not re.search(r"-[0-9]+$", path.stem) and bank and bank.replace("\n", "").isprintable():
            said = path.with_suffix(".txt").read_text(encoding="utf-8").rstrip()
            examples[path.stem] = {"bank": bank, "said": said}
    return json.dumps(examples, indent=1, ensure_ascii=False) + "\n"


def python_page() -> str:
    """Every public name with its signature and docstring."""
    parts = []
    for name in sorted(set(seedbed.__all__) - {"__version__"}, key=lambda name: (name[0].isupper(), name)):
        public = getattr(seedbed, name)
        text = inspect.getdoc(public) or ""
        if inspect.isclass(public):
            members = [f"`{key}`" for key in inspect.get_annotations(public) if not key.startswith("_")]
            text += f"\n\nHolds: {', '.join(members)}" if members else ""
            parts.append(f"## {name}\n\n{text}\n")
        else:
            parts.append(f"## {name}\n\n```python\n{name}{_signature(public)}\n```\n\n{text}\n")
    return PYTHON_HEAD + "\n".join(parts)


def _signature(function: Callable[..., object]) -> str:
    """A function's parameters and what it returns, without the modules of their types."""
    signature, lines = inspect.signature(function), []
    for parameter in signature.parameters.values():
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY and "*" not in lines:
            lines.append("*")
        lines.append(str(parameter))
    returned = inspect.formatannotation(signature.return_annotation)
    text = "(\n" + "".join(f"    {line},\n" for line in lines) + f") -> {returned}"
    return re.sub(r"\b(?:[a-z_]+\.)+(?=[A-Za-z])", "", re.sub(r"'([A-Z][^']*)'", r"\1", text))


PAGES = {
    "bank-file.md": keys_page,
    "commands.md": commands_page,
    "kinds.md": kinds_page,
    "ledger.md": ledger_page,
    "live-scenario.md": live_page,
    "messages.md": messages_page,
    "python-reference.md": python_page,
    "views.md": views_page,
}

if __name__ == "__main__":
    EXAMPLES_FILE.write_text(examples_file(), encoding="utf-8")
    for name, make in PAGES.items():
        (DOCS / name).write_text(make(), encoding="utf-8")
        sys.stdout.write(f"{name} written\n")
