"""Looks at the cells of a column that hold several parts of a structure each, as an account with its dimensions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from connector.wire import values
from connector.wire.jobs import Structured
from connector.wire.metadata import Field
from connector.wire.values import Unfit


@dataclass(frozen=True, slots=True, kw_only=True)
class Segmented:
    """What the cells of one delimited column must be: so many segments, each of which suits its part."""

    field: Field
    structured: Structured

    def bad(self, cells: Sequence[str | None]) -> Mapping[str, Unfit]:
        """Those texts among the cells that do not fit, each with the reason."""
        return {text: why for text in dict.fromkeys(filter(None, cells)) if (why := self._wrong(text))}

    def _wrong(self, text: str) -> Unfit | None:
        names = self.structured.segments
        try:
            parts = values.segments(text, delimiter=self.structured.delimiter, count=len(names))
        except Unfit as unfit:
            return Unfit(unfit.message, advice=unfit.advice, code=unfit.code.replace("RSC-51", "RSC-31"))
        known = {part.name: part for part in self.field.structure.texts} if self.field.structure else {}
        given = ((known[name], part) for name, part in zip(names, parts, strict=True) if name in known and part)
        return next((why for field, part in given if (why := values.fits(field, part))), None)
