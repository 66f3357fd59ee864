"""The settings as options of a command: each field of `Settings` is one, with its help and default from there."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ByteSize, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import SettingsError

from app.settings import Settings

# `--model name=PATH`, repeated, reads better than the plural of the setting.
NAMES = {"models": "--model", "allowed_hosts": "--allowed-host"}


class UsageError(Exception):
    """What is wrong with the options, in one line."""


def with_settings(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give `command(settings, **own)` every setting as an option, beside the options of its own."""
    own = list(inspect.signature(command, eval_str=True).parameters.values())[1:]
    options = [_option(name) for name in Settings.model_fields]

    def run(**given: Any) -> Any:
        rest = {parameter.name: given.pop(parameter.name) for parameter in own}
        return command(read_settings(given), **rest)

    parameters = [*own, *options]
    run.__doc__ = command.__doc__
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return run


def _option(name: str) -> inspect.Parameter:
    """An option without a default of its own: what is not given is left to the environment, then to the setting."""
    field = Settings.model_fields[name]
    flag = NAMES.get(name, f"--{name.replace('_', '-')}")
    kind: Any = str | None
    if field.annotation is bool:
        kind, flag = bool | None, f"{flag}/--no-{flag[2:]}"
    elif name in NAMES:
        kind = list[str] | None
    option = typer.Option(flag, help=_help(field), metavar=_metavar(name, field), show_default=False)
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[kind, option])


def _help(field: FieldInfo) -> str:
    default = field.get_default(call_default_factory=True)
    if default is None or default == {}:
        return field.description or ""
    if isinstance(default, ByteSize):
        default = default.human_readable()
    elif isinstance(default, bool):
        default = "yes" if default else "no"
    elif isinstance(default, tuple):
        default = ", ".join(default)
    return f"{field.description} [{default}]"


def _metavar(name: str, field: FieldInfo) -> str | None:
    if name == "models":
        return "NAME=PATH"
    kinds = {int: "NUMBER", float: "SECONDS", ByteSize: "SIZE", Path: "FOLDER", bool: None}
    return kinds.get(field.annotation, "TEXT") if isinstance(field.annotation, type) else "TEXT"


def read_settings(given: dict[str, Any]) -> Settings:
    """The settings from options, environment and defaults, in this order. Raises UsageError."""
    named: dict[str, Any] = {name: value for name, value in given.items() if value not in (None, [])}
    if "models" in named:
        named["models"] = folders(named["models"])
    try:
        return Settings(**named)
    except ValidationError as error:
        raise UsageError(explain(error)) from None
    except SettingsError as error:
        raise UsageError(f"{error}; give it as JSON") from None


def folders(pairs: list[str]) -> dict[str, str]:
    """`name=PATH` as a table. Raises UsageError.

    >>> folders(["mine=/"])
    {'mine': '/'}
    """
    found: dict[str, str] = {}
    for pair in pairs:
        name, separator, path = pair.partition("=")
        if not separator or not name or not path:
            raise UsageError("--model must be name=PATH")
        if not Path(path).exists():
            raise UsageError(f"--model {name}: there is no such folder or file")
        found[name] = path
    return found


def explain(error: ValidationError) -> str:
    """The first thing that is wrong with the settings, as a sentence about the option."""
    first = error.errors(include_url=False, include_input=False)[0]
    name, message = str(first["loc"][0]), first["msg"]
    flag = NAMES.get(name, f"--{name.replace('_', '-')}")
    if first["type"].startswith("byte_size"):
        return f"{flag} must be a size, such as 1048576, 512MB or 2GB"
    text = message.replace("Input should be", "must be").replace("String should have", "must have")
    return f"{flag} {text[0].lower()}{text[1:]} (or HEADLIGHT_{name.upper()} in the environment)"
