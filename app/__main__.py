"""The command line: `headlight` or `python -m app`. Without a command it serves."""

from __future__ import annotations

import os
import sys

import typer
from typer.main import get_command

from app import __version__
from app.cli.inspect import inspect
from app.cli.models import commands as models
from app.cli.options import UsageError, with_settings
from app.cli.serve import serve
from app.errors import HeadlightError

# Two torch threads spin for each other when another process holds a core; passive waiting costs a tenth of it.
# OpenMP reads this when torch is imported, which happens later than this.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

app = typer.Typer(no_args_is_help=False, add_completion=False, rich_markup_mode=None, help="Look at attention heads.")
app.command("serve")(with_settings(serve))
app.command("inspect")(inspect)
app.add_typer(models, name="models")


def main(arguments: list[str] | None = None) -> int:
    """Run a command; the exit status. What is wrong is said in one line: 2 for the options, 1 for the rest."""
    given = sys.argv[1:] if arguments is None else arguments
    if given[:1] == ["--version"]:
        typer.echo(f"headlight {__version__}")
        return 0
    if not given or (given[0].startswith("-") and given[0] not in ("--help", "-h")):
        given = ["serve", *given]
    try:
        return get_command(app).main(given, prog_name="headlight", standalone_mode=False) or 0
    except (typer.TyperException, UsageError) as error:
        message = error.format_message() if isinstance(error, typer.TyperException) else str(error)
        return complain(message, 2)
    except HeadlightError as error:
        return complain(f"{error.detail} {error.hint}".strip(), 1)
    except (typer.Abort, KeyboardInterrupt):
        return complain("stopped", 130)


def complain(message: str, status: int) -> int:
    """One line on the error stream."""
    typer.echo(f"headlight: {' '.join(message.split())}", err=True)
    return status


if __name__ == "__main__":
    sys.exit(main())
