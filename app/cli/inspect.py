"""`headlight inspect "text"`: one head's map, in the terminal or for another program."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer
from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.text import Text

from app.cli.options import UsageError, read_settings
from app.web import wire
from app.web.forms import Lens

if TYPE_CHECKING:
    from app.analyses.attention import AttentionAnswer
    from app.models.run import Run

CELL = 6
LABEL = 18
SHADES = " ░▒▓█"


def inspect(
    text: Annotated[str, typer.Argument(help="What the model reads.")],
    pair: Annotated[str | None, typer.Option(help="A second sentence, for encoders that take pairs.")] = None,
    target: Annotated[str | None, typer.Option(help="What the decoder of an encoder-decoder reads.")] = None,
    model: Annotated[str | None, typer.Option(help="The model's id; the default model when not given.")] = None,
    stack: Annotated[str | None, typer.Option(help="encoder, decoder or cross.")] = None,
    layer: Annotated[int, typer.Option(help="Counted from 0.")] = 0,
    head: Annotated[int, typer.Option(help="Counted from 0.")] = 0,
    lens: Annotated[str, typer.Option(help=f"One of {', '.join(get_args(Lens))}.")] = "raw",
    as_json: Annotated[bool, typer.Option("--json", help="The API's answer as JSON.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="The map as CSV.")] = False,
) -> None:
    """Print the attention map of one head."""
    if as_json and as_csv:
        raise UsageError("--json and --csv exclude each other")
    settings = read_settings({})
    from app.analyses.attention import attention
    from app.models.engine import Engine
    from app.models.run import RunRequest

    engine = Engine(settings)
    try:
        run, _ = engine.run(RunRequest(model or settings.default_model, text, pair, target))
        answer = engine.look(run, lambda run: attention(run, stack, layer, head, lens=lens))
        if as_json:
            document = wire.with_warnings(wire.fields(answer)) | {"tokens": wire.tokens(run)}
            typer.echo(wire.json_bytes(document).decode())
        elif as_csv:
            typer.echo(wire.csv_text(answer.values, wire.labels(run, answer)), nl=False)
        else:
            show(Console(), run, answer)
    finally:
        engine.close()


def show(console: Console, run: Run, answer: AttentionAnswer) -> None:
    """The map, as many columns at a time as fit, then the checks."""
    queries, keys = ([printable(token.display) for token in tokens.items] for tokens in run.tokens_of(answer.stack))
    where = f"layer {answer.layers[0]}" + (f", head {answer.heads[0]}" if answer.heads else "")
    values = answer.values[0, 0]
    unit = 1.0 if answer.bounded else float(values.nan_to_num(0.0).abs().max()) or 1.0
    units = "" if answer.bounded else f", in units of {unit:.3g}"
    console.print(Text(f"{run.model.info.id}, {answer.stack}, {where}, {answer.lens}{units}", style="bold"))
    console.print(answer.meaning, style="dim", highlight=False)
    for line in picture((values / unit).tolist(), queries, keys, console.width):
        console.print(line, no_wrap=True, crop=True)
    for warning in answer.warnings:
        console.print(warning, highlight=False)
    for check in answer.checks:
        mark = "ok" if check.ok else "FAILED"
        measured = "not finite" if check.value is None else f"{check.value:.2g}"
        console.print(f"{mark}  {check.name}  {measured} (at most {check.limit:.2g})", highlight=False)


def picture(values: Sequence[Sequence[float]], queries: list[str], keys: list[str], width: int) -> list[Text]:
    """Lines of text: a row a query, a column a key, each cell its shade and its number; two lines name the keys.

    >>> print(picture([[1.0, 0.0], [0.25, 0.75]], ["a", "b"], ["a", "b"], 80)[3].plain)
    1 b               ░ .25 ▓ .75
    """
    fit = max(1, (width - LABEL) // CELL)
    lines: list[Text] = []
    for first in range(0, len(keys), fit):
        part = range(first, min(len(keys), first + fit))
        if first:
            lines.append(Text(""))
        lines.append(Text(" " * LABEL + "".join(fitted(f"  {k}", CELL) for k in part), style="dim"))
        lines.append(Text(" " * LABEL + "".join(fitted(keys[k], CELL) for k in part), style="dim"))
        for q, query in enumerate(queries):
            line = Text(fitted(f"{q} {query}", LABEL))
            for k in part:
                line.append(cell(values[q][k]), style="bold" if abs(values[q][k]) >= 0.5 else "")
            lines.append(line)
    return lines


def cell(value: float) -> str:
    """`▒ .25 ` or `▒-.25 `: a shade for each fifth of 1, the sign, and two digits; what is not a number is a dash."""
    if value != value:
        return fitted("   -", CELL)
    size = abs(value)
    number = "1.0" if size >= 0.995 else f"{size:.2f}"[1:]
    return fitted(f"{SHADES[min(4, int(size * 5))]}{'-' if value < 0 else ' '}{number}", CELL)


def fitted(text: str, width: int) -> str:
    """Exactly `width` cells of the terminal, a blank at the end: wide characters count two."""
    if cell_len(text) >= width:
        text = set_cell_size(text, width - 2) + "…"
    return set_cell_size(text, width)


def printable(text: str) -> str:
    """Text that cannot steer a terminal: spaces and newlines made visible, control and format characters escaped."""
    return "".join(_visible(sign) for sign in text)


def _visible(sign: str) -> str:
    if sign == " ":
        return "·"
    if sign == "\n":
        return "↵"
    category: Any = unicodedata.category(sign)
    return f"\\x{ord(sign):02x}" if category[0] == "C" or category in ("Zl", "Zp") else sign
