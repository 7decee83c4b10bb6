"""Reads a mapping file; every problem is named with its line and key."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args, get_origin

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from kg.errors import MappingError
from kg.ingestion.mapping import Mapping, plain_message
from kg.ingestion.mapping_parts import KeyPath
from kg.nearest_name import nearest_name


def load_mapping(path: Path) -> Mapping:
    """Read and check a mapping file.

    Raises:
        MappingError: the file cannot be read, is not YAML, or is invalid; the message lists each problem with
            its line and key.
    """
    tree, content = _parsed(path)

    def where(key: KeyPath) -> str:
        shown = ".".join(part if part.isprintable() else ascii(part)[1:-1] for part in key)
        return f"{path}, line {_line(tree, key)}, {shown}"

    try:
        mapping = Mapping.model_validate(content if content is not None else {})
    except ValidationError as error:
        problems = [_explain(e) for e in error.errors()]
        raise MappingError("\n".join(f"{where(key)}: {problem}" for key, problem in problems)) from None
    mapping._where = where
    return mapping


def _parsed(path: Path) -> tuple[yaml.Node | None, Any]:
    """The file as a tree of YAML nodes, which have line numbers, and as Python values."""
    try:
        text = path.read_text(encoding="utf-8")
        tree = yaml.compose(text, yaml.SafeLoader)
        _refuse_repeated_keys(tree, path)
        content = yaml.safe_load(text)
    except OSError as error:
        raise MappingError(f"{path}: cannot be read: {error.strerror}") from None
    except RecursionError:
        raise MappingError(f"{path}: cannot be read as YAML: something in it holds itself") from None
    except (ValueError, yaml.YAMLError) as error:
        raise MappingError(f"{path}: cannot be read as YAML: {error}") from None
    if content is not None and not isinstance(content, dict):
        raise MappingError(f"{path}: is no mapping file; one begins with `sources:`, see docs/mapping.md")
    return tree, content


def _explain(error: ErrorDetails) -> tuple[KeyPath, str]:
    """The key path and a readable message for one pydantic error."""
    context = error.get("ctx", {})
    path = context.get("path") or tuple(str(key) for key in error["loc"] if key != "[key]")
    match error["type"]:
        case "extra_forbidden":
            known = [f.alias or name for name, f in _model_at(path[:-1]).model_fields.items()]
            return path, f"unknown key{nearest_name(path[-1], known)}"
        case "literal_error":
            known = re.findall(r"'([^']+)'", context["expected"])
            given = str(error["input"])
            return path, f"{given!r} is none of {context['expected']}{nearest_name(given, known)}"
        case "missing":
            return path, "this key is missing"
        case _:
            return path, plain_message(error["msg"])


def _model_at(path: KeyPath) -> type[BaseModel]:
    """The pydantic model of the table at a key path."""
    model: type[BaseModel] = Mapping
    keys = iter(path)
    for key in keys:
        found = next((f for name, f in model.model_fields.items() if key in (name, f.alias)), None)
        if found is None:
            break
        if get_origin(found.annotation) is dict:
            next(keys, None)
        model = next(_models_in(found.annotation), model)
    return model


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _models_in(inner)


def _line(tree: yaml.Node | None, path: KeyPath) -> int:
    """The line of a key, or of the innermost enclosing table that exists."""
    line, node = 1, tree
    for key in path:
        pairs = node.value if isinstance(node, yaml.MappingNode) else []
        found = next((pair for pair in pairs if pair[0].value == key), None)
        if found is None:
            break
        line, node = found[0].start_mark.line + 1, found[1]
    return line


def _refuse_repeated_keys(node: yaml.Node | None, path: Path) -> None:
    """Raise MappingError for a repeated key; PyYAML would silently use the last one."""
    if not isinstance(node, yaml.MappingNode):
        return
    seen: set[str] = set()
    for key, value in node.value:
        if str(key.value) in seen:
            raise MappingError(f"{path}, line {key.start_mark.line + 1}: {key.value!r} is given twice")
        seen.add(str(key.value))
        _refuse_repeated_keys(value, path)
