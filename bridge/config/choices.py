"""Tables of one of several kinds, told by a key: accounts by `system`, outputs by `type`."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError, core_schema

from bridge.output_kinds import output_kinds
from bridge.outputs.sinks.settings import OutputSection
from bridge.schema.section import Section
from bridge.schema.upstream import UpstreamAccount
from bridge.systems import systems


@dataclass(frozen=True, slots=True)
class Choice:
    """Validates, dumps and describes a table by the value of `key`; kinds may be added until then.

    As an annotation of a pydantic field it makes `base` one of the sections.
    """

    key: str
    base: type[Section]  # what all kinds have
    what: str  # "account": a table that it tells
    sections: Callable[[], Mapping[str, type[Section]]]  # the first where the key is left out

    def section_of(self, value: object) -> type[Section] | None:
        """The section of this kind; None when there is none."""
        return self.sections().get(value) if isinstance(value, str) else None

    def kinds_with(self, key: str) -> list[str]:
        """Names of the kinds that have a setting of this name."""
        return [name for name, found in self.sections().items() if key in found.model_fields]

    def _validated(self, value: Any) -> Section:
        if isinstance(value, self.base):
            return value
        section = next(iter(self.sections().values()))
        if isinstance(value, dict) and self.key in value:
            named = self.section_of(value[self.key])
            if named is None:
                raise self._no_such_kind(value[self.key])
            section = named
        return section.model_validate(value)

    def _no_such_kind(self, kind: object) -> ValidationError:
        kinds = self.sections()
        known = " or ".join(f"'{name}'" for name in kinds)
        near = difflib.get_close_matches(str(kind), kinds, n=1)
        hint = f" (did you mean '{near[0]}'?)" if near and len(kinds) > 1 else ""
        error = PydanticCustomError(
            "literal_error", f"no such {self.key}", {"expected": known + hint}
        )
        detail = InitErrorDetails(type=error, loc=(self.key,), input=kind)
        return ValidationError.from_exception_data(self.what, [detail])

    def __get_pydantic_core_schema__(
        self, source: type[Any], handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        del source, handler
        return core_schema.no_info_plain_validator_function(
            self._validated,
            serialization=core_schema.plain_serializer_function_ser_schema(_dump, info_arg=True),
        )

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        del schema
        shapes = []
        for section in self.sections().values():
            section.model_rebuild()
            shapes.append(handler(section.__pydantic_core_schema__))
        return shapes[0] if len(shapes) == 1 else {"anyOf": shapes}


def _dump(section: Section, info: core_schema.SerializationInfo) -> dict[str, Any]:
    return section.model_dump(mode=info.mode)


SYSTEM: Final = Choice(
    "system",
    UpstreamAccount,
    "account",
    lambda: {name: known.section for name, known in systems().items()},
)
OUTPUT: Final = Choice("type", OutputSection, "output", output_kinds)
# By what all kinds of a table have.
CHOICES: Final[Mapping[object, Choice]] = {choice.base: choice for choice in (SYSTEM, OUTPUT)}
