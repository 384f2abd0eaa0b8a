"""The base of every plugin's settings: unknown keys refused, every field documented under it."""

import ast
import inspect
import itertools
import textwrap
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from bashgym.errors import RecipeError, did_you_mean

C = TypeVar("C", bound=BaseModel)


class Config(BaseModel):
    """Frozen settings; the docstring below a field is its documentation (see `documentation`)."""

    # not use_attribute_docstrings: it parses the source of every class at every start
    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=(), defer_build=True)


def documentation(model: type[BaseModel]) -> dict[str, str]:
    """field -> the docstring below it, read from the source, also of the settings that `model` extends."""
    own = [one for one in reversed(model.__mro__) if issubclass(one, Config) and one is not Config]
    return {name: text for one in own for name, text in documented(one).items()}


@lru_cache(maxsize=1000)  # the source of each class is looked up in its whole file
def documented(model: type[BaseModel]) -> dict[str, str]:
    """The fields that a class itself writes down."""
    (tree,) = ast.parse(textwrap.dedent(inspect.getsource(model))).body
    body = tree.body if isinstance(tree, ast.ClassDef) else []
    return {
        field.target.id: text.value.value
        for field, text in itertools.pairwise(body)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(text, ast.Expr)
        and isinstance(text.value, ast.Constant)
        and isinstance(text.value.value, str)
    }


def validate(model: type[C], values: dict[str, Any], where: str) -> C:
    """`values` as a `model`; raises RecipeError with one line: the first fault, and how many more there are.

    `where` is the prefix of the keys, such as `sanitizer.secrets`."""
    try:
        return model.model_validate(values)
    except ValidationError as error:
        first, *rest = explain(model, error, where)
        raise RecipeError(f"{first} (and {len(rest)} more)" if rest else first) from None


def explain(model: type[BaseModel], error: ValidationError, where: str) -> Iterable[str]:
    """One line per fault: the key, what is wrong, and the way out."""
    for fault in error.errors():
        path = [str(part) for part in fault["loc"]]
        key = ".".join([where, *path] if where else path)
        if fault["type"] == "extra_forbidden":
            yield f"{key}: no such key{did_you_mean(path[-1], fields_at(model, path[:-1]))}"
        elif fault["type"] == "missing":
            yield f"{key}: a value is needed and none is given; set it with {key}=..."
        else:
            message = fault["msg"].removeprefix("Value error, ")
            yield f"{key}: {message[:1].lower()}{message[1:]} (got {fault['input']!r})"


def fields_at(model: type[BaseModel], path: list[str]) -> list[str]:
    """The field names at `path` inside `model`; none where the path leads out of models."""
    for part in path:
        field = model.model_fields.get(part)
        inner = field.annotation if field else None
        if not (isinstance(inner, type) and issubclass(inner, BaseModel)):
            return []
        model = inner
    return list(model.model_fields)
