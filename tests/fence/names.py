# SPDX-License-Identifier: Apache-2.0
"""The names that are stored or that operators search for, read out of the sources.

Where a name stands in the code does not matter, nor what the code calls it: a module
that moves and a class that is renamed leave all of them as they are.
"""

import ast
import inspect
import pkgutil
import sys
import textwrap
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from enum import Enum
from functools import cache
from importlib import import_module
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any, Final

PACKAGES: Final = (
    "fedsafe_cli",
    "fedsafe_crypto",
    "fedsafe_federation",
    "fedsafe_node",
    "fedsafe_policies",
)
KINDS: Final = (
    "jobs",
    "meta",
    "documents",
    "loggers",
    "log messages",
    "log fields",
    "details",
)
"""What is found by its use; `errors` and `words` (of enums) are found by their type."""
_LEVELS: Final = {"debug", "info", "warning", "error", "exception", "critical"}
_META: Final = {"meta", "set_meta"}
_DOCUMENTS: Final = {"document", "put_document"}
_DETAILS: Final = {"detail", "asked", "said", "facts"}
_HOLE: Final = "{}"


@cache
def modules(*packages: str) -> tuple[ModuleType, ...]:
    """Import all modules of packages; without names, of FedSafe."""
    found = []
    for package in packages or PACKAGES:
        root = import_module(package)
        found.append(root)
        found += [
            import_module(each.name)
            for each in pkgutil.walk_packages(root.__path__, f"{package}.")
            if not each.name.endswith(".__main__")
        ]
    return tuple(found)


@cache
def tree_of(module: ModuleType) -> ast.Module:
    """Parse a module's source."""
    return ast.parse(Path(str(module.__file__)).read_bytes())


def classes(base: type, *packages: str) -> list[type]:
    """Give the classes of a kind that modules define, in the order of their names."""
    found = {
        value
        for module in modules(*packages)
        for value in vars(module).values()
        if isinstance(value, type)
        and issubclass(value, base)
        and value.__module__ == module.__name__
    }
    return sorted(found, key=lambda each: (each.__name__, each.__module__))


def collect() -> dict[str, list[str]]:
    """Collect all names, each set sorted."""
    found: dict[str, set[str]] = {kind: set() for kind in KINDS}
    for module in modules():
        for scope, node in scopes(tree_of(module)):
            note(found, module, scope, node)
    found["errors"] = {each.__name__ for each in classes(Exception)}
    found["words"] = {_words(each) for each in classes(Enum) if list(each)}  # type: ignore[call-overload]
    return {name: sorted(each) for name, each in found.items()}


def _words(class_: type[Enum]) -> str:
    return " ".join(str(each.value) for each in class_)


def scopes(tree: ast.Module) -> Iterator[tuple[ast.AST, ast.AST]]:
    """Give every node with the function around it."""
    waiting: list[tuple[ast.AST, ast.AST]] = [(tree, tree)]
    while waiting:
        scope, node = waiting.pop()
        yield scope, node
        is_function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        inner = node if is_function else scope
        waiting += [(inner, each) for each in ast.iter_child_nodes(node)]


def note(  # noqa: C901, PLR0912 - one case after the other
    found: dict[str, set[str]], module: ModuleType, scope: ast.AST, node: ast.AST
) -> None:
    """Note the names in one node of a module's tree, *scope* being its function."""
    if isinstance(node, ast.Dict):
        for key, value in zip(node.keys, node.values, strict=True):
            if isinstance(value, ast.Call) and _called(value) == "Job" and key:
                found["jobs"] |= _texts(key, module, scope)
    if isinstance(node, ast.FunctionDef) and _returns(node) == "Detail":
        found["details"] |= _keys(node)
    if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        if any(isinstance(t, ast.Name) and t.id in _DETAILS for t in targets):
            found["details"] |= _keys(node.value)
    if not isinstance(node, ast.Call):
        return
    name = _called(node)
    for sets, methods in (("meta", _META), ("documents", _DOCUMENTS)):
        if name in methods and isinstance(node.func, ast.Attribute) and node.args:
            found[sets] |= _texts(node.args[0], module, scope)
    if name == "getLogger" and node.args:
        found["loggers"] |= _texts(node.args[0], module, scope)
    if name in _LEVELS and node.args and "log" in ast.unparse(node.func).lower():
        found["log messages"] |= _texts(node.args[0], module, scope)
    if name == "fields":
        found["log fields"] |= {each.arg for each in node.keywords if each.arg}
    for keyword in node.keywords:
        if keyword.arg in _DETAILS:
            found["details"] |= _keys(keyword.value)


def _returns(function: ast.FunctionDef) -> str:
    return "" if function.returns is None else ast.unparse(function.returns)


def _called(call: ast.Call) -> str:
    if isinstance(call.func, ast.Attribute):
        return call.func.attr
    return call.func.id if isinstance(call.func, ast.Name) else ""


def _keys(node: ast.AST) -> set[str]:
    return {
        key.value
        for each in ast.walk(node)
        if isinstance(each, ast.Dict)
        for key in each.keys
        if isinstance(key, ast.Constant) and isinstance(key.value, str)
    }


def _texts(  # noqa: PLR0911 - one for each kind of expression
    node: ast.expr, module: ModuleType, scope: ast.AST
) -> set[str]:
    """Give the texts that an expression can be, `{}` for what is put into them."""
    if isinstance(node, ast.Constant):
        return {node.value} if isinstance(node.value, str) else set()
    if isinstance(node, ast.JoinedStr):
        return set(_joined(_part(each, module, scope) for each in node.values))
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return set(_joined(_part(e, module, scope) for e in (node.left, node.right)))
    if isinstance(node, ast.IfExp):
        parts = node.body, node.orelse
        return set().union(*(_texts(each, module, scope) for each in parts))
    if isinstance(node, ast.Name):
        return _named(node.id, module, scope)
    if isinstance(node, ast.Attribute):
        with suppress(AttributeError, NameError):
            value = eval(ast.unparse(node), vars(module))  # noqa: S307 - our own source
            return {str(value)} if isinstance(value, str) else set()
    if isinstance(node, ast.Call):
        if _called(node) == "format" and isinstance(node.func, ast.Attribute):
            return {_holed(each) for each in _texts(node.func.value, module, scope)}
        function = vars(module).get(_called(node))
        if isinstance(function, FunctionType):
            return _returned(function)
    return set()


def _holed(text: str) -> str:
    """Leave out what a template calls what is put into it."""
    parts = text.split("{")
    return parts[0] + "".join(_HOLE + each.partition("}")[2] for each in parts[1:])


def _part(node: ast.expr, module: ModuleType, scope: ast.AST) -> set[str]:
    if isinstance(node, ast.FormattedValue):
        node = node.value
        if isinstance(node, ast.Name) and node.id not in vars(module):
            return {_HOLE}
    return _texts(node, module, scope) or {_HOLE}


def _joined(parts: Iterable[set[str]]) -> list[str]:
    whole = [""]
    for part in parts:
        whole = [before + each for before in whole for each in part]
    return whole


def _named(name: str, module: ModuleType, scope: ast.AST) -> set[str]:
    value: Any = vars(module).get(name)
    if isinstance(value, str):
        return {value}
    found: set[str] = set()
    for each in ast.walk(scope):
        if isinstance(each, ast.Assign) and any(
            isinstance(target, ast.Name) and target.id == name
            for target in each.targets
        ):
            found |= _texts(each.value, module, scope)
    return found


def _returned(function: Callable[..., object]) -> set[str]:
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    module = sys.modules[function.__module__]
    return set().union(
        *(
            _texts(each.value, module, tree)
            for each in ast.walk(tree)
            if isinstance(each, ast.Return) and each.value is not None
        )
    )
