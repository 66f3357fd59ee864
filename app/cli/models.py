"""`headlight models`: what can be looked at; load one ahead of time, or take it out of the cache."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from app.cli.options import read_settings
from app.errors import ModelUnknown
from app.models.info import ModelInfo
from app.models.progress import Stage

WIDTH = 1000
"""Columns that a table may take: a name that is cut is of no use, and a terminal wraps long lines by itself."""

commands = typer.Typer(help="List, load or remove models.", invoke_without_command=True)

ModelId = Annotated[str, typer.Argument(help="A name of the catalogue or the operator, or a hub id.")]


@commands.callback()
def default(context: typer.Context) -> None:
    """List, load or remove models."""
    if context.invoked_subcommand is None:
        list_models()


@commands.command("list")
def list_models() -> None:
    """The catalogue, the operator's folders and what the local Hugging Face cache holds."""
    from app.models.engine import Engine

    engine = Engine(read_settings({}))
    try:
        Console(width=WIDTH).print(table(engine.models()))
    finally:
        engine.close()


@commands.command("load")
def load(model: ModelId) -> None:
    """Fetch or convert a model and load it once, so that the server finds it ready."""
    from app.models.engine import Engine

    engine = Engine(read_settings({}))
    last = ""

    def report(stage: Stage) -> None:
        nonlocal last
        if stage.message != last:
            last = stage.message
            typer.echo(f"{stage.stage}: {stage.message}", err=True)

    try:
        info = engine.load(model, report)
        Console(width=WIDTH).print(table([info]))
    finally:
        engine.close()


@commands.command("remove")
def remove(model: ModelId) -> None:
    """Delete what was converted or fetched for a model from the cache folder."""
    from app.models.engine import Engine

    engine = Engine(read_settings({}))
    try:
        known = {info.id.partition("@")[0] for info in engine.models()}
        freed = engine.remove(model)
        if not freed and model.partition("@")[0] not in known:
            raise ModelUnknown("No such model.", "See `headlight models` for those there are.")
        typer.echo(f"{freed / 1e6:,.1f} MB freed.")
    finally:
        engine.close()


def table(models: list[ModelInfo]) -> Table:
    """The models as a table for the terminal."""
    made = Table("id", "kind", "layers x heads", "parameters", "source", "licence", box=None, header_style="bold")
    for info in models:
        shape = f"{info.layers} x {info.heads}" if info.layers and info.heads else "–"
        parameters = f"{info.parameters / 1e6:,.1f} M" if info.parameters else "–"
        made.add_row(info.id, info.kind or "–", shape, parameters, info.source, info.licence or "–")
    return made
