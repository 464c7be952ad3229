"""`seedbed completion`: the script by which a shell completes Seedbed's commands, options and values."""

import click
from click.shell_completion import get_completion_class

__all__ = ["completion"]

SHELLS = ("bash", "zsh", "fish")
PROGRAM, VARIABLE = "seedbed", "_SEEDBED_COMPLETE"


@click.command()
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the completion script of a shell.

    \b
    bash:  seedbed completion bash > ~/.local/share/bash-completion/completions/seedbed
    zsh:   seedbed completion zsh > ~/.zfunc/_seedbed      (with ~/.zfunc in fpath)
    fish:  seedbed completion fish > ~/.config/fish/completions/seedbed.fish
    """
    script = get_completion_class(shell)
    assert script is not None, "a shell that click knows"
    made = script(context.find_root().command, {}, PROGRAM, VARIABLE)
    click.echo(made.source_template % made.source_vars())
