"""What AX's QueryService is asked, as values, and how it stands in a request (IQueryService, namespace of data contracts).

A query is one that AX has (`Static`), one that a class of AX builds (`Dynamic`), or one that is described here (`Built`).
Elements stand as DataContractSerializer wants them: in the order of the alphabet, those of a base type before.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from xml.sax.saxutils import escape, quoteattr

_CONTRACTS: Final = "http://schemas.datacontract.org/2004/07/Microsoft.Dynamics.AX.Framework.Services.Metadata.Contracts"
_QUERY: Final = "http://schemas.datacontract.org/2004/07/Microsoft.Dynamics.AX.Framework.Services.QueryService"
_CLASSES: Final = "http://schemas.datacontract.org/2004/07/XppClasses"
_ARRAYS: Final = "http://schemas.microsoft.com/2003/10/Serialization/Arrays"
_INSTANCE: Final = "http://www.w3.org/2001/XMLSchema-instance"


#: Values that are written as they are: numbers and identifiers, and GUIDs with their braces.
_PLAIN: Final = re.compile(r"[0-9A-Za-z]+|\{[0-9A-Fa-f-]{36}\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """A condition: the field has one of `values`, or lies between `low` and `high`, both included."""

    field: str
    values: Sequence[str] = ()
    low: str = ""
    high: str = ""

    @property
    def text(self) -> str:
        """The condition in the language of AX's queries: in quotes no character of a text means anything."""
        if self.values:
            return ",".join(map(_quoted, self.values))
        return f"{_quoted(self.low) if self.low else ''}..{_quoted(self.high) if self.high else ''}"


@dataclass(frozen=True, slots=True)
class Static:
    """A query of the application object tree. It takes the account's default company."""

    name: str


@dataclass(frozen=True, slots=True)
class Dynamic:
    """A query that a class of AX builds (it extends AifQueryBuilder); its arguments by name, in a class of their own."""

    builder: str
    arguments_class: str = ""
    arguments: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """Rows of one table, ordered by `order`, which must tell its rows apart: pages are counted along it.

    `fields` () brings all of them. `company` None: the account's default one; tables that know no companies ignore it.
    """

    table: str
    fields: Sequence[str] = ()
    ranges: Sequence[Range] = ()
    order: Sequence[str] = ("RecId",)
    company: str | None = None


Query = Static | Dynamic | Built


@dataclass(frozen=True, slots=True)
class ByPosition:
    """Pages counted by rows from 1."""

    start: int = 1


@dataclass(frozen=True, slots=True)
class ByValue:
    """Pages that AX marks itself. `bookmark`: base64, as it came; "" for the first."""

    bookmark: str = ""


Paging = ByPosition | ByValue


def operation(query: Query) -> str:
    """The kind of query, as it stands in the names of operations: Execute<kind>Query, Get<kind>QueryRowCount."""
    return {Static: "Static", Dynamic: "Dynamic", Built: ""}[type(query)]


def content(query: Query) -> str:
    """The parameters that say which query is meant."""
    if isinstance(query, Static):
        return f"<queryName>{escape(query.name)}</queryName>"
    if isinstance(query, Dynamic):
        return f"<queryBuilderName>{escape(query.builder)}</queryBuilderName>{_arguments(query)}"
    return _metadata(query)


def paging(page: Paging, rows: int) -> str:
    """The parameter that says which page is meant; `rows`: the most of each table."""
    if isinstance(page, ByPosition):
        kind = "PositionBasedPaging"
        inside = (
            f"<p:NumberOfRecordsToFetch>{rows}</p:NumberOfRecordsToFetch><p:StartingPosition>{page.start}</p:StartingPosition>"
        )
    else:
        kind = "ValueBasedPaging"
        mark = f"<p:Bookmark>{escape(page.bookmark)}</p:Bookmark>" if page.bookmark else ""
        inside = f"{mark}<p:RecordLimit>{rows}</p:RecordLimit>"
    return f'<paging xmlns:p="{_QUERY}" xmlns:i="{_INSTANCE}" i:type="p:{kind}">{inside}</paging>'


def _arguments(query: Dynamic) -> str:
    """Null where there are none: most builders take QueryBuilderArgs itself."""
    if not query.arguments_class:
        return f'<queryBuilderArgs xmlns:q="{_QUERY}" xmlns:i="{_INSTANCE}" i:type="q:QueryBuilderArgs"/>'
    inside = "".join(
        f"<x:{name}>{escape(text)}</x:{name}>" for name, text in sorted(query.arguments.items(), key=lambda one: one[0])
    )
    kind = quoteattr(f"x:{query.arguments_class}")
    return f'<queryBuilderArgs xmlns:x="{_CLASSES}" xmlns:i="{_INSTANCE}" i:type={kind}>{inside}</queryBuilderArgs>'


def _metadata(query: Built) -> str:
    """A QueryMetadata. What is left out is false, 0 or an enumeration's first value in AX; times come as they are stored."""
    companies = "" if query.company is None else f'<s:string xmlns:s="{_ARRAYS}">{escape(query.company)}</s:string>'
    inside = (
        f"<AllowCrossCompany>{'true' if companies else 'false'}</AllowCrossCompany>"
        + (f"<CompanyRanges>{companies}</CompanyRanges>" if companies else "")
        + f"<DataSources><QueryDataSourceMetadata>{_source(query)}</QueryDataSourceMetadata></DataSources>"
        + f"<OrderByFields>{''.join(_ordered(query.table, name) for name in query.order)}</OrderByFields>"
        + "<TimeZonePreference>NoConversion</TimeZonePreference>"
    )
    return _in_contracts("queryMetadata", inside)


def _source(query: Built) -> str:
    table = escape(query.table)
    fields = "".join(
        f'<QueryFieldMetadata i:type="QueryDataFieldMetadata"><FieldName>{escape(name)}</FieldName>'
        f"<SelectionField>Database</SelectionField></QueryFieldMetadata>"
        for name in query.fields
    )
    ranges = "".join(
        f'<QueryRangeMetadata i:type="QueryDataRangeMetadata"><Enabled>true</Enabled><Value>{escape(each.text)}</Value>'
        f"<FieldName>{escape(each.field)}</FieldName><TableName>{table}</TableName></QueryRangeMetadata>"
        for each in query.ranges
    )
    return (
        (f"<Company>{escape(query.company)}</Company>" if query.company is not None else "")
        + f"<DynamicFieldList>{'false' if fields else 'true'}</DynamicFieldList><Enabled>true</Enabled>"
        + (f"<Fields>{fields}</Fields>" if fields else "")
        + f"<Name>{table}</Name><OrderMode>OrderBy</OrderMode>"
        + (f"<Ranges>{ranges}</Ranges>" if ranges else "")
        + f"<Table>{table}</Table>"
    )


def _ordered(table: str, name: str) -> str:
    return (
        f'<QueryOrderByMetadata i:type="QueryDataOrderByMetadata"><DataSource>{escape(table)}</DataSource>'
        f"<SortOrder>Ascending</SortOrder><FieldName>{escape(name)}</FieldName></QueryOrderByMetadata>"
    )


def _in_contracts(name: str, inside: str) -> str:
    """A parameter whose members lie in the namespace of AX's metadata; the parameter itself lies in the service's."""
    return f'<m:{name} xmlns:m="http://tempuri.org/" xmlns="{_CONTRACTS}" xmlns:i="{_INSTANCE}">{inside}</m:{name}>'


def _quoted(text: str) -> str:
    if _PLAIN.fullmatch(text):
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
