"""The entry point of the command line: a table of commands, which are imported one at a time, and the exit codes.

Exit codes: 0 done, 1 a check found something, 2 bad input, 3 a target (file, database, standard output) or the memory
failed, 130 interrupted, 141 the reader of the output went away, 143 terminated.
"""

import gc
import os
import sys
from contextlib import suppress
from importlib import import_module
from typing import NoReturn

import click

from seedbed import __version__
from seedbed.cli.signals import Terminated, is_ending, listen
from seedbed.errors import InputError, InstanceError, TargetError, one_line

__all__ = ["main"]

# Most characters of a message, several times the longest sensible one.
MESSAGE_CHARACTERS = 1_000

# Group → command → (home of the click command, what `--help` says). A row without a home is a group.
COMMANDS: dict[str, dict[str, tuple[str, str]]] = {
    "seedbed": {
        "demo": ("seedbed.cli.demo:demo", "Try it on a bundled bank: generate, load, check, show the exceptions."),
        "init": ("seedbed.cli.init:init", "Write a commented starter bank file and its JSON Schema."),
        "bank": ("seedbed.cli.bank:bank", "Work on bank files: write one in the other spelling."),
        "validate": ("seedbed.cli.validate:validate", "Check a bank file; show all problems and findings at once."),
        "rule": ("seedbed.cli.rule:rule", "Explain a rule of bank files by its id, or list all rules."),
        "plan": ("seedbed.cli.plan:plan", "Show rails, volumes, amounts, caps, accounts, plants and expected rows."),
        "lock": ("seedbed.cli.lock:lock", "Write a lock file: the digests of a dataset, for review."),
        "verify": ("seedbed.cli.lock:verify", "Make a locked dataset again and compare it with its lock file."),
        "check": ("seedbed.cli.check:check", "Check a loaded ledger; the exit code is 1 if anything does not hold."),
        "score": ("seedbed.cli.score:score", "Compare a detector's findings with the answer key."),
        "dashboard": ("seedbed.cli.dashboard:dashboard", "Show a loaded ledger in the browser."),
        "report": ("seedbed.cli.report_file:report", "Write all sheets of the dashboard as one HTML file."),
        "export": ("seedbed.cli.export:export", "Write a loaded ledger in the format of another program."),
        "completion": ("seedbed.cli.completion:completion", "Print the completion script of a shell."),
        "docs": ("", "Print pages about a bank."),
        "schema": ("", "Create the base tables and views, or remove them."),
        "data": ("", "Generate and write a ledger, refresh its views, or remove it."),
    },
    "docs": {
        "dbt": ("seedbed.cli.docs:dbt", "Print the tables and views of a bank as sources of dbt."),
        "live-scenario": ("seedbed.cli.docs:live_scenario", "Print the plants that a bank gets, as Markdown."),
    },
    "schema": {
        "apply": ("seedbed.cli.schema:apply", "Create base tables and views in a database, or write the script."),
        "clean": ("seedbed.cli.clean:schema", "Remove one bank's tables and views from a database."),
    },
    "data": {
        "apply": ("seedbed.cli.data:apply", "Generate a ledger into a database, script or folder."),
        "refresh": (
            "seedbed.cli.refresh:refresh",
            "Rebuild the filled views of a database after its tables changed.",
        ),
        "clean": ("seedbed.cli.clean:data", "Remove one bank's rows from a database."),
    },
}


class LazyGroup(click.Group):
    """A group whose commands are imported when they are run, so that `--help` stays fast."""

    @property
    def table(self) -> dict[str, tuple[str, str]]:
        """This group's row of the table."""
        return COMMANDS[self.name or "seedbed"]

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of the table, in its order."""
        return list(self.table)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Imports one command."""
        if cmd_name not in self.table:
            return None
        home, text = self.table[cmd_name]
        if not home:
            return LazyGroup(name=cmd_name, help=text, no_args_is_help=True)
        module, _, attribute = home.partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command of this name. For an unknown name the message suggests the most similar command."""
        name = args[0]
        if name not in self.table and not ctx.resilient_parsing:
            from seedbed.bank.text import suggestion  # noqa: PLC0415 - only a mistake waits for it

            ctx.fail(f"there is no command '{one_line(name)}'{suggestion(name, self.table)}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Lists the table without importing anything."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in self.table.items()])


@click.command(
    cls=LazyGroup,
    help="Seedbed generates the ledger of a bank that does not exist, and plants labelled exceptions in it.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="seedbed")
def seedbed() -> None:
    """The root command."""


def main() -> None:
    """Runs the command line and ends the process."""
    _start_lightly()
    listen()
    _end(run(sys.argv[1:]))


def _end(code: int) -> NoReturn:
    """Ends the process at once. Every file is closed and every thread has ended by now.

    Without this, Python frees modules and arrays one by one, which takes longer than all of `--help`.
    """
    with suppress(OSError):
        if sys.stderr is not None:
            sys.stderr.flush()
    os._exit(code)


def _start_lightly() -> None:
    """Switches off features that a short process does not need. This saves a tenth of a second."""
    # The command line uses no linear algebra and no pydantic plugins. Looking for these takes time at import.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    # Arrow's own allocator keeps pages, which takes a twentieth of a small bank's time, and always starts a thread.
    # Workers can be forked only from a process with a single thread.
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    os.environ.setdefault("JE_ARROW_MALLOC_CONF", "background_thread:false")
    # Arrays make no reference cycles. With the default threshold imports alone cause dozens of collections.
    gc.set_threshold(100_000)


# Errors that a user sees as one line. Any other error is a bug and shows its traceback.
ENDINGS = (
    InputError,
    TargetError,
    OSError,
    MemoryError,
    click.ClickException,
    click.Abort,
    KeyboardInterrupt,
    Terminated,
    RuntimeError,
)
CLOSED_PIPE = 141
# The text of the RuntimeError by which DuckDB replaces an exception that a signal raised within a query.
INTERRUPTED_QUERY = "Query interrupted"


def run(arguments: list[str]) -> int:
    """Runs one command line and returns its exit code. Every error is one line on standard error."""
    try:
        result = seedbed.main(args=arguments, prog_name="seedbed", standalone_mode=False)
        if sys.stdout is not None:
            sys.stdout.flush()
    except (BrokenPipeError, SystemExit) as error:
        # The reader of the output has gone (click then raises a SystemExit): nothing more can be printed, and the
        # code is that of other tools after SIGPIPE. Shell completion prints its answer and raises a SystemExit of 0.
        return 0 if isinstance(error, SystemExit) and error.code == 0 else CLOSED_PIPE
    except ENDINGS as error:
        told = isinstance(error, TargetError | click.Abort | Terminated) or str(error) == INTERRUPTED_QUERY
        if isinstance(error, RuntimeError) and not told:
            raise
        lines, code = _explain(error)
        with suppress(OSError):
            for line in lines:
                click.echo(line, err=True)
        return code
    return result if isinstance(result, int) else 0


def _explain(error: BaseException) -> tuple[list[str], int]:
    """The message about an error, and the exit code."""
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        return [error.format_message()], 2
    if isinstance(error, InstanceError):
        return [one_line(str(problem), MESSAGE_CHARACTERS) for problem in error.problems], 2
    message, code = _message(error)
    return [one_line(f"seedbed: {message}", MESSAGE_CHARACTERS)], code


def _message(error: BaseException) -> tuple[str, int]:
    match error:
        case InputError():
            return str(error), 2
        case TargetError():
            return str(error), 3
        case MemoryError():
            return "not enough memory; try fewer accounts or a shorter window", 3
        case OSError():
            return f"{error.filename or 'standard output'}: {error.strerror or error}", 3
        case click.ClickException():
            context = getattr(error, "ctx", None)
            hint = f" (see '{context.command_path} --help')" if context else ""
            return f"{' '.join(error.format_message().split())}{hint}", 2
        case _ if isinstance(error, Terminated) or (type(error) is RuntimeError and is_ending()):
            return "terminated; nothing was left half-written", 143
        case _:
            return "interrupted; nothing was left half-written", 130
