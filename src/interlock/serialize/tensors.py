"""Tensors between processes: torch's, and those of any library that speaks DLPack.

Their memory goes as a buffer, so that it is copied once. torch knows no read-only tensor: what
arrives can be written to, and the memory is the receiver's own. Other libraries are told what the
receiver asked for.

torch has reducers of its own, by which a tensor becomes a shared one. They stay in force for what
only they can do: shared tensors, other devices, sparse and quantized ones.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from importlib import import_module
from pickle import PickleBuffer
from typing import Any

from interlock import _native

__all__ = ["add_reducers", "reduce_by_dlpack", "restore_by_dlpack", "restore_tensor"]

_OWN_MEMORY_MIN = 4096  # of fewer bytes a copy costs less than asking whose they are

Reducer = Callable[[Any], Any]


def add_reducers(reducers: dict[type, Reducer]) -> None:
    """Enter those for torch's tensors, if torch is there and nobody else has entered one."""
    torch: Any = sys.modules.get("torch")
    module: Any = sys.modules.get("torch.multiprocessing.reductions")
    torchs_own: Any = getattr(module, "reduce_tensor", None)
    if torchs_own is None or "numpy" not in sys.modules:
        return
    reduce: Reducer = partial(_reduce_tensor, torchs_own)
    for kind in (torch.Tensor, torch.nn.Parameter):
        if reducers.get(kind) is torchs_own:
            reducers[kind] = reduce


# ---- torch ---------------------------------------------------------------------------------------


def _reduce_tensor(torchs_own: Reducer, tensor: Any) -> Any:
    torch: Any = sys.modules["torch"]
    if not _is_plain(torch, tensor):
        return torchs_own(tensor)
    data = tensor.detach()
    order = sorted(range(data.dim()), key=lambda i: -data.stride(i))
    laid = data.permute(order) if order else data
    if not laid.is_contiguous():  # it has gaps, or overlaps
        order, laid = list(range(data.dim())), data.contiguous()
    flat = laid.reshape(-1).view(torch.uint8).numpy()
    return restore_tensor, (
        type(tensor),
        tensor.dtype,
        tuple(laid.shape),
        order,
        tensor.requires_grad,
        PickleBuffer(flat),
    )


def _is_plain(torch: Any, tensor: Any) -> bool:
    """Whether it is nothing but numbers in this process's own memory."""
    return (
        tensor.device.type == "cpu"
        and tensor.layout is torch.strided
        and not tensor.is_shared()
        and not tensor.is_quantized
        and not (tensor.is_conj() or tensor.is_neg())
        and not tensor.is_nested
        and (tensor.is_leaf or not tensor.requires_grad)
        and not tensor._backward_hooks
        and not tensor.__dict__
    )


def restore_tensor(
    cls: Any, dtype: Any, shape: Any, order: Any, requires_grad: bool, buffer: Any
) -> Any:
    """Undoes the reduction of a torch tensor; its name is in pickles."""
    torch: Any = import_module("torch")
    flat: Any = restore_by_dlpack(torch.from_dlpack, "|u1", (memoryview(buffer).nbytes,), buffer)
    laid = flat.view(dtype).reshape(shape) if flat.numel() else torch.empty(shape, dtype=dtype)
    made = laid.permute([order.index(i) for i in range(len(order))]) if order else laid
    if cls is torch.nn.Parameter:
        return torch.nn.Parameter(made, requires_grad)
    return made.requires_grad_(requires_grad)


# ---- any other -----------------------------------------------------------------------------------


def reduce_by_dlpack(tensor: Any) -> tuple[Any, ...] | None:
    """What a pickle has for a tensor that pickle can make nothing of.

    Returns:
        None if it speaks no DLPack, or nothing is found that makes one of it again.

    Raises:
        Exception: Its memory is not this processor's, or its type is not numpy's.
    """
    make = _maker(tensor) if hasattr(type(tensor), "__dlpack__") else None
    if make is None:
        return None
    import numpy

    array: Any = numpy.ascontiguousarray(numpy.from_dlpack(tensor))
    flat: Any = array.reshape(-1).view(numpy.uint8)
    return restore_by_dlpack, (make, array.dtype.str, tensor.shape, PickleBuffer(flat))


def _maker(tensor: Any) -> Any:
    """The `from_dlpack` of where it comes from (Python array API standard)."""
    kind = type(tensor)
    namespace = getattr(tensor, "__array_namespace__", None)
    places = (
        namespace() if namespace is not None else None,
        kind,
        sys.modules.get(kind.__module__),
        sys.modules.get(kind.__module__.partition(".")[0]),
    )
    makers = (getattr(place, "from_dlpack", None) for place in places)
    return next((make for make in makers if make is not None), None)


def restore_by_dlpack(make: Any, dtype: str, shape: tuple[int, ...], buffer: Any) -> Any:
    """Undoes `reduce_by_dlpack`; its name is in pickles."""
    import numpy

    array = numpy.frombuffer(buffer, dtype).reshape(shape)
    if not _is_its_own(memoryview(buffer)):
        return make(array.copy())
    try:
        return make(array)
    except (BufferError, TypeError):  # what takes only memory that says it can be written to
        return make(array.copy())


def _is_its_own(view: memoryview) -> bool:
    """Whether nobody else sees what is written to it."""
    if view.nbytes < _OWN_MEMORY_MIN:
        return False
    return not view.readonly or isinstance(view.obj, _native.SharedBuffer)
