"""The hand-written stub of the native core names what the module has, and nothing else."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path
from pickle import PickleBuffer
from typing import Any

import pytest

import interlock
from interlock import _native

STUB = ast.parse((Path(interlock.__file__).parent / "_native.pyi").read_text(encoding="utf-8"))
# Only in a build with crash points.
OF_PROBES = {"arm_probe", "disarm_probe", "probe_names"}
# What every class has, or what the type checker alone needs: the buffer protocol is
# Python's since 3.12, and C's before.
OF_EVERY_CLASS = {*dir(object), "__module__", "__buffer__", "__release_buffer__", "__slotnames__"}
UNSIGNED = {"_task_done", "_join"}  # they say nothing of what they take, which is nothing
FOR_CHECKERS = {"Buffer", "Generic"}  # bases that no class of the core has

Function = ast.FunctionDef
ALL_CLASSES = {node.name: node for node in STUB.body if isinstance(node, ast.ClassDef)}
ENUMS = {
    name: node
    for name, node in ALL_CLASSES.items()
    if [ast.unparse(base) for base in node.bases] == ["enum.Enum"]
}
CLASSES = {name: node for name, node in ALL_CLASSES.items() if name not in ENUMS}
FUNCTIONS = {node.name: node for node in STUB.body if isinstance(node, Function)}
VALUES = {
    node.target.id: ast.unparse(node.annotation)
    for node in STUB.body
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
}


def methods(of_class: str) -> dict[str, Function]:
    """What the stub says of a class itself; of several overloads the last."""
    return {node.name: node for node in CLASSES[of_class].body if isinstance(node, Function)}


def is_property(function: Function) -> bool:
    return [ast.unparse(each) for each in function.decorator_list] == ["property"]


METHODS = [
    (of_class, name)
    for of_class in CLASSES
    for name, function in methods(of_class).items()
    if name not in OF_EVERY_CLASS | UNSIGNED and not is_property(function)
]


def of_stub(function: Function) -> list[tuple[str, str, bool]]:
    """Name, how it may be given, and whether it may be left out, of each parameter."""
    arguments = function.args
    either = [*arguments.posonlyargs, *arguments.args]
    optional_from = len(either) - len(arguments.defaults)
    found = [
        (
            argument.arg,
            "POSITIONAL_ONLY" if number < len(arguments.posonlyargs) else "POSITIONAL_OR_KEYWORD",
            number >= optional_from,
        )
        for number, argument in enumerate(either)
    ]
    return [each for each in found if each[0] != "self"]


def of_module(function: Any) -> list[tuple[str, str, bool]]:
    """The same, of the function itself, as its text signature or nanobind tells it."""
    if hasattr(function, "__nb_signature__"):
        (told,) = function.__nb_signature__
        written = ast.parse(f"{told[0]}: ...").body[0]
        assert isinstance(written, Function)
        return of_stub(written)
    parameters = inspect.signature(function).parameters.values()
    found = [(each.name, each.kind.name, each.default is not each.empty) for each in parameters]
    return [each for each in found if each[0] != "self"]


def test_every_name_of_the_module_is_in_the_stub_and_the_reverse() -> None:
    """P1: functions, classes and values; those of the crash points where there are any."""
    real = {name for name in dir(_native) if not name.startswith("__")}
    stubbed = {*ALL_CLASSES, *FUNCTIONS, *VALUES}
    assert FUNCTIONS.keys() >= OF_PROBES
    assert real == (stubbed if _native.PROBES else stubbed - OF_PROBES)


@pytest.mark.parametrize("name", VALUES)
def test_a_value_has_the_type_that_the_stub_gives_it(name: str) -> None:
    """P1: VERSION, PROBES, and the C API, whose type has no name in Python."""
    of_module = type(getattr(_native, name)).__name__
    assert (of_module, VALUES[name]) == ("PyCapsule", "Any") or of_module == VALUES[name]


@pytest.mark.parametrize("name", ENUMS)
def test_an_enumeration_has_the_members_that_the_stub_gives_it(name: str) -> None:
    """P1: names and values."""
    members = {member.name: member.value for member in getattr(_native, name)}
    assert members == {
        ast.unparse(node.targets[0]): ast.literal_eval(node.value)
        for node in ENUMS[name].body
        if isinstance(node, ast.Assign)
    }


@pytest.mark.parametrize("name", CLASSES)
def test_a_class_has_what_the_stub_says_and_the_reverse(name: str) -> None:
    """P1: methods and properties of its own, and its bases."""
    real = getattr(_native, name)
    assert isinstance(real, type)
    stubbed = methods(name)
    own = {each for each in vars(real) if each not in OF_EVERY_CLASS and each != "__new__"}
    assert own == stubbed.keys() - OF_EVERY_CLASS
    for each, function in stubbed.items():
        if each not in OF_EVERY_CLASS:
            assert callable(vars(real)[each]) != is_property(function), each
    bases = [base.__name__ for base in real.__bases__ if base is not object]
    stubbed_bases = [ast.unparse(base).partition("[")[0] for base in CLASSES[name].bases]
    assert bases == [base for base in stubbed_bases if base not in FOR_CHECKERS]


@pytest.mark.parametrize(
    "name", sorted(FUNCTIONS.keys() - (set() if _native.PROBES else OF_PROBES))
)
def test_a_function_takes_what_the_stub_says(name: str) -> None:
    """P1: number, names, kinds, and which may be left out."""
    assert of_module(getattr(_native, name)) == of_stub(FUNCTIONS[name])


@pytest.mark.parametrize(("of_class", "name"), METHODS, ids=map(".".join, METHODS))
def test_a_method_takes_what_the_stub_says(of_class: str, name: str) -> None:
    """P1: number, names, kinds, and which may be left out."""
    assert of_module(getattr(getattr(_native, of_class), name)) == of_stub(methods(of_class)[name])


@pytest.mark.parametrize("name", sorted(UNSIGNED))
def test_what_has_no_signature_takes_nothing(name: str) -> None:
    """P1: as the stub says."""
    assert of_stub(methods("MessageQueue")[name]) == []
    with pytest.raises(TypeError, match="takes no arguments"):
        getattr(interlock.JoinableQueue(), name)(1)


def test_an_object_that_the_stub_calls_a_buffer_is_one() -> None:
    """P1: on Pythons whose classes cannot tell it, by its use."""
    queue = interlock.Queue()
    queue.put(PickleBuffer(bytes(10_000)))
    received = queue.get()
    assert type(received) is _native.SharedBuffer
    assert memoryview(received).nbytes == 10_000
