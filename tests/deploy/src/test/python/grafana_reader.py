"""Reads dashboards into the classes that Grafana makes from its own schema, and prints what does not fit, one line each.

A key that the classes do not know is lost when they are written again; that a value is of the type of its field they do not
check themselves. Needs grafana-foundation-sdk.
"""

import enum
import json
import sys
import typing

from grafana_foundation_sdk.cog import plugins
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

PACKAGE = "grafana_foundation_sdk"


def as_json(model: typing.Any) -> typing.Any:
    return json.loads(json.dumps(model, cls=JSONEncoder))


def is_model(value: typing.Any) -> bool:
    return type(value).__module__.startswith(PACKAGE) and not isinstance(value, enum.Enum)


def fits(value: typing.Any, wanted: typing.Any) -> bool:
    origin, arguments = typing.get_origin(wanted), typing.get_args(wanted)
    if wanted in (typing.Any, object) or is_model(value):
        return True
    if origin is typing.Union:
        return any(fits(value, one) for one in arguments)
    if origin is typing.Literal:
        return value in arguments
    if origin is list:
        return isinstance(value, list) and all(fits(one, arguments[0]) for one in value)
    if origin is dict:
        return isinstance(value, dict) and all(fits(one, arguments[1]) for one in value.values())
    if not isinstance(wanted, type):
        return True
    if wanted.__module__.startswith(PACKAGE) and isinstance(value, dict):  # some lists are left as they were read
        read = wanted.from_json(value)
        return not [*lost(value, as_json(read), ""), *misfits(read, "")]
    if issubclass(wanted, enum.Enum):
        return value in [one.value for one in wanted]
    if wanted in (int, float):
        return isinstance(value, (int, wanted)) and not isinstance(value, bool)
    return isinstance(value, wanted)


def misfits(value: typing.Any, at: str) -> typing.Iterator[str]:
    if isinstance(value, list):
        for index, one in enumerate(value):
            yield from misfits(one, f"{at}/{index}")
    elif isinstance(value, dict):
        for key, one in value.items():
            yield from misfits(one, f"{at}/{key}")
    elif is_model(value):
        wanted = typing.get_type_hints(type(value))
        for name, one in vars(value).items():
            if not fits(one, wanted.get(name, typing.Any)):
                yield f"{at}/{name}: found {one!r}, expected {wanted[name]}"
            yield from misfits(one, f"{at}/{name}")


def lost(ours: typing.Any, theirs: typing.Any, at: str) -> typing.Iterator[str]:
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for key, value in ours.items():
            if key in theirs:
                yield from lost(value, theirs[key], f"{at}/{key}")
            else:
                yield f"{at}/{key}: not known"
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        for index, pair in enumerate(zip(ours, theirs)):
            yield from lost(*pair, f"{at}/{index}")
    elif ours != theirs:
        yield f"{at}: {ours!r} became {theirs!r}"


def main(files: list[str]) -> None:
    plugins.register_default_plugins()
    for file in files:
        with open(file, encoding="utf-8") as text:
            ours = json.load(text)
        read = Dashboard.from_json(ours)
        for finding in [*lost(ours, as_json(read), ""), *misfits(read, "")]:
            print(f"{file}{finding}")


if __name__ == "__main__":
    main(sys.argv[1:])
