"""pydantic's models and msgspec's Structs, made by their own validation."""

from __future__ import annotations

from typing import Any

from interlock.errors import DecodeError
from interlock.serialize.work import check_unfolded

__all__ = ["decode_model", "decode_struct", "encode_model", "encode_struct"]


def encode_model(model: Any) -> dict[str, Any]:
    """The fields of a model as they are, with those that it allows beyond them."""
    return {**model.__dict__, **(model.__pydantic_extra__ or {})}


def decode_model(cls: Any, state: Any) -> Any:
    """A model of these fields.

    Raises:
        DecodeError: The model's validation refuses one; its ``path`` leads there.
    """
    from pydantic import ValidationError

    if type(state) is not dict:
        raise ValueError("its state is no dict of its fields")
    check_unfolded(state)
    try:
        return cls.model_validate(state)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        steps = "".join(f"[{at}]" if isinstance(at, int) else f".{at}" for at in first["loc"])
        raise DecodeError(
            f"{cls.__qualname__}{steps}: {first['msg']}. The model refuses what the message holds.",
            path=f"${steps}",
        ) from error


def encode_struct(made: Any) -> dict[str, Any]:
    """The fields of a Struct, by the names that it is encoded with."""
    names = zip(made.__struct_fields__, made.__struct_encode_fields__, strict=True)
    return {encoded: getattr(made, name) for name, encoded in names}


def decode_struct(cls: Any, state: Any) -> Any:
    """A Struct of these fields.

    Raises:
        DecodeError: A field is of another type; its ``path`` leads there.
    """
    import msgspec

    if type(state) is not dict:
        raise ValueError("its state is no dict of its fields")
    check_unfolded(state)
    fields = list(state.values()) if cls.__struct_config__.array_like else state
    try:
        return msgspec.convert(fields, cls)
    except msgspec.ValidationError as error:
        reason, _, path = str(error).rpartition(" - at `")
        raise DecodeError(
            f"{cls.__qualname__}: {reason or error}. The Struct refuses what the message holds.",
            path=path.rstrip("`") or "$",
        ) from error
