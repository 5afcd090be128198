"""Checks a document against the port's own schema, as the AOS will, before it is sent."""

import re
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from lxml import etree

from workers.aos.describing import Schemas
from workers.aos.gathering import MEMORY
from workers.aos.values import SchemaProblem
from workers.errors import GiveUp, Retry

#: A namespace in front of a name, as libxml2 prints it; braces around a list of values are none.
_NAMESPACE: Final = re.compile(r"\{[^{}'\s]*\}")


class Checker:
    """Compiled schemas of one contract, one per thread and document: a schema keeps the errors of its last run."""

    def __init__(self, schemas: Schemas, contents: Mapping[str, bytes]) -> None:
        self._schemas = schemas
        self._contents = contents
        self._compiled = threading.local()

    def problems(self, name: str, document: bytes) -> list[SchemaProblem]:
        """What is wrong with a document whose root element has this qualified name; the first word on each element."""
        schema = self._schema(name)
        try:
            tree = etree.fromstring(document, etree.XMLParser(resolve_entities=False, no_network=True))
        except etree.XMLSyntaxError as error:
            return [SchemaProblem(line=error.lineno or 1, element="", message=error.msg or "not XML")]
        return [] if schema.validate(tree) else list(_problems(schema))

    def _schema(self, name: str) -> etree.XMLSchema:
        known: dict[str, etree.XMLSchema] = self._compiled.__dict__
        if name not in known:
            known[name] = _compile(self._schemas.place_of(name), self._contents)
        return known[name]


def _compile(place: str, contents: Mapping[str, bytes]) -> etree.XMLSchema:
    """Compiles from files that live as long as it takes.

    lxml could ask a resolver instead, but sets it for the whole process while any thread parses, and then takes it away.
    Raises GiveUp, and Retry where this computer has no room for the files.
    """
    with ExitStack() as stack:
        try:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="rapidstart-contract-"))
            for name, content in contents.items():
                (Path(folder) / name.removeprefix(MEMORY)).write_bytes(content.replace(MEMORY.encode(), b""))
        except OSError as error:
            raise Retry(
                f"The worker's temporary folder cannot be written: {error.strerror}.",
                advice="Make room on the disk of the worker's computer.",
                code="RSC-5471",
            ) from error
        try:
            return etree.XMLSchema(file=str(Path(folder) / place.removeprefix(MEMORY)))
        except (etree.XMLSchemaParseError, etree.XMLSyntaxError) as error:
            raise GiveUp(
                f"The port's schema cannot be compiled: {error}.", advice="Read the metadata again.", code="RSC-5922"
            ) from error


def _problems(schema: etree.XMLSchema) -> Iterator[SchemaProblem]:
    seen: set[tuple[int, str]] = set()
    for error in schema.error_log:
        quoted, _, message = error.message.partition(": ")
        element = quoted.removeprefix("Element '").partition("'")[0].rpartition("}")[2]
        if (error.line, element) not in seen:  # one mistake may bring several complaints
            seen.add((error.line, element))
            yield SchemaProblem(line=error.line, element=element, message=_NAMESPACE.sub("", message or quoted))
