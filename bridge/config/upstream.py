"""Which settings an account has: those of its system, told by `system`."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError, core_schema

from bridge.schema.upstream import UpstreamAccount
from bridge.systems import systems


def default_section() -> type[UpstreamAccount]:
    """The settings of an account that names no system."""
    return next(iter(systems().values())).section


def section_of(system: object) -> type[UpstreamAccount] | None:
    """The settings of an account of this system; None when there is no such system."""
    known = systems().get(system) if isinstance(system, str) else None
    return None if known is None else known.section


def default_index(accounts: Sequence[tuple[str, str]], system: str | None = None) -> int | None:
    """Return the index of the default account: the one called "default", else the first.

    Args:
        accounts: (name, system) of each account.
        system: Consider only accounts of this system.

    Returns:
        None when there is no account.
    """
    meant = [i for i, (_, of) in enumerate(accounts) if system is None or of == system]
    return next((i for i in meant if accounts[i][0] == "default"), meant[0] if meant else None)


def systems_with(key: str) -> list[str]:
    """Names of the systems whose accounts have a setting of this name."""
    return [name for name, known in systems().items() if key in known.section.model_fields]


def key_prefixes() -> tuple[str, ...]:
    """How keys of all vendors begin."""
    return tuple(p for known in systems().values() for p in known.section.key_prefixes)


def owner_of_key(token: str) -> str | None:
    """The name of the system whose keys begin like this one; None when it cannot be told."""
    for name, known in systems().items():
        if token.startswith(known.section.key_prefixes or ("\0",)):
            return name
    return None


def _to_account(value: Any) -> UpstreamAccount:
    if isinstance(value, UpstreamAccount):
        return value
    section = default_section()
    if isinstance(value, dict) and "system" in value:
        named = section_of(value["system"])
        if named is None:
            raise _no_such_system(value["system"])
        section = named
    return section.model_validate(value)


def _no_such_system(system: object) -> ValidationError:
    known = " or ".join(f"'{name}'" for name in systems())
    near = difflib.get_close_matches(str(system), systems(), n=1)
    hint = f" (did you mean '{near[0]}'?)" if near and len(systems()) > 1 else ""
    kind = PydanticCustomError("literal_error", "no such system", {"expected": known + hint})
    detail = InitErrorDetails(type=kind, loc=("system",), input=system)
    return ValidationError.from_exception_data("account", [detail])


def _dump(account: UpstreamAccount, info: core_schema.SerializationInfo) -> dict[str, Any]:
    return account.model_dump(mode=info.mode)


class _BySystem:
    """Validates, dumps and describes an account by its system; systems may be added until then."""

    def __get_pydantic_core_schema__(
        self, source: type[Any], handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        del source, handler
        return core_schema.no_info_plain_validator_function(
            _to_account,
            serialization=core_schema.plain_serializer_function_ser_schema(_dump, info_arg=True),
        )

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        del schema
        sections = [known.section for known in systems().values()]
        shapes = [handler(section.__pydantic_core_schema__) for section in sections]
        return shapes[0] if len(shapes) == 1 else {"anyOf": shapes}


AnyAccount = Annotated[UpstreamAccount, _BySystem()]
