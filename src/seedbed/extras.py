"""The command that installs an extra of the package, for this installation."""

import shlex
import sys
from pathlib import Path

__all__ = ["install_command"]

PACKAGE = Path(__file__).parent


def install_command(extra: str, package: Path = PACKAGE) -> str:
    """The command that installs an extra for this package, whether it was installed or runs from a checkout.

    It names this interpreter, because the `pip` of the shell may belong to another one.
    """
    checkout = package.parents[1]
    python = shlex.quote(sys.executable or "python")
    if package.parent.name == "src" and (checkout / "pyproject.toml").is_file():
        return f"{python} -m pip install -e {shlex.quote(f'{checkout}[{extra}]')}"
    return f"{python} -m pip install 'seedbed[{extra}]'"
