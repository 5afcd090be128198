"""Speaks to the X++ table and class service as a caller of its own does: lxml and HTTP, nothing of the worker."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lxml import etree

CONTRACT = Path(__file__).parents[2] / "deploy" / "ax" / "contract"
NS = "http://rapidstart-connector/ax/2026/services"
DC = "http://schemas.datacontract.org/2004/07/Dynamics.Ax.Application"
ARRAYS = "http://schemas.microsoft.com/2003/10/Serialization/Arrays"
NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"
ACCOUNTS = """
port = "Setup"

[[table]]
name = "Chart"
label = "Charts of accounts"
key = ["Name"]
fields = { Name = { length = 20, mandatory = true } }

[[table]]
name = "MainAccount"
label = "Main accounts"
key = ["MainAccountId", "Chart"]
[table.fields]
MainAccountId = { length = 10, mandatory = true }
Chart = { references = "Chart.RecId", mandatory = true }
Opened = { type = "date" }
Changed = { type = "datetime" }
Sign = { symbols = ["Both", "Debit", "Credit"], default = "Debit" }
Closed = { type = "boolean" }
Rate = { type = "decimal" }
Token = { type = "guid" }
Text = { length = 10 }
Number = { length = 5, edit = "create" }
Sum = { type = "decimal", edit = "never" }
Picture = { type = "base64" }

[[table]]
name = "Posting"
key = ["Profile"]
[table.fields]
Profile = { length = 10, mandatory = true }
Account = { references = "MainAccount.RecId" }
"""


@dataclass(frozen=True)
class TableClient:
    client: Any

    def call(self, operation: str, inner: str = "", *, company: str = "USMF", message_id: str | None = None) -> Any:
        context = f"<c:Company>{company}</c:Company>" + (f"<c:MessageId>{message_id}</c:MessageId>" if message_id else "")
        name = f"RapidStartTableService{operation[0].upper()}{operation[1:]}Request"
        body = (
            '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" '
            'xmlns:c="http://schemas.microsoft.com/dynamics/2010/01/datacontracts">'
            f"<s:Header><c:CallContext>{context}</c:CallContext></s:Header>"
            f'<s:Body><{name} xmlns="{NS}" xmlns:b="{DC}" xmlns:a="{ARRAYS}">{inner}</{name}></s:Body></s:Envelope>'
        )
        return self.client.post(body.encode(), f"{NS}/RapidStartTableService/{operation}")

    def write(
        self, operation: str, table: str, *rows: str, defaults: bool = False, validate: bool = False, **context: Any
    ) -> list[dict[str, Any]]:
        options = "" if operation == "deleteRows" else f"<_defaults>{str(defaults).lower()}</_defaults>"
        inner = f"<_table>{table}</_table><_rows>{''.join(rows)}</_rows>{options}"
        reply = self.call(operation, f"{inner}<_validateOnly>{str(validate).lower()}</_validateOnly>", **context)
        assert reply.status == 200, reply.body
        return objects(reply, "RapidStartRowResult")

    def read(self, table: str, key_fields: list[str], *keys: list[str], fields: tuple[str, ...] = (), **context: Any) -> Any:
        wanted = "".join(f"<b:RapidStartKey><b:Values>{strings(key)}</b:Values></b:RapidStartKey>" for key in keys)
        return self.call(
            "readRows",
            f"<_table>{table}</_table><_keyFields>{strings(key_fields)}</_keyFields><_keys>{wanted}</_keys>"
            f"<_fields>{strings(fields)}</_fields>",
            **context,
        )

    def rows(self, *arguments: Any, **more: Any) -> list[dict[str, Any]]:
        """readRows' answer with each row's values by field; null is None."""
        found = objects(self.read(*arguments, **more), "RapidStartRow")
        return [
            {v["Field"]: None if v["IsNull"] == "true" else v["Value"] for v in row.pop("Values")} | {"_": row} for row in found
        ]

    def invoke(self, cls: str, method: str, *parameters: tuple[str, str], **context: Any) -> Any:
        given = "".join(
            f"<b:RapidStartParameter><b:Name>_p</b:Name><b:Type>{t}</b:Type><b:Value>{v}</b:Value></b:RapidStartParameter>"
            for t, v in parameters
        )
        inner = f"<_class>{cls}</_class><_method>{method}</_method><_parameters>{given}</_parameters>"
        return self.call("invoke", inner, **context)


def strings(values: Any) -> str:
    return "".join(f"<a:string>{value}</a:string>" for value in values)


def row(rec_id: str = "", version: str = "", *more: str, **values: str | None) -> str:
    """A row; None is null, and __ stands for the point of a path."""
    system = (f"<b:RecId>{rec_id}</b:RecId>" if rec_id else "") + (f"<b:RecVersion>{version}</b:RecVersion>" if version else "")
    cells = "".join(cell(name.replace("__", "."), value) for name, value in values.items())
    return f"<b:RapidStartRow>{system}<b:Values>{cells}{''.join(more)}</b:Values></b:RapidStartRow>"


def cell(name: str, value: str | None) -> str:
    null = str(value is None).lower()
    inner = f"<b:Field>{name}</b:Field><b:IsNull>{null}</b:IsNull><b:Value>{value or ''}</b:Value>"
    return f"<b:RapidStartValue>{inner}</b:RapidStartValue>"


def objects(reply: Any, kind: str) -> list[dict[str, Any]]:
    """The objects of a response, members that are lists as lists, those that are null as None."""
    return [plain(element) for element in reply.xml.iterfind(f".//{{{NS}}}response/{{{DC}}}{kind}")]


def plain(element: Any) -> Any:
    members = list(element)
    if element.get(NIL) == "true":
        return None
    if not members:
        return element.text or ""
    names = [etree.QName(member).localname for member in members]
    if any(name in ("string", "RapidStartFieldInfo", "RapidStartIndexInfo", "RapidStartEnumEntry") for name in names) or (
        names[0] in ("RapidStartValue", "RapidStartMessage")
    ):
        return [plain(member) for member in members]
    return {name: plain(member) for name, member in zip(names, members, strict=True)}


def outcomes(results: list[dict[str, Any]]) -> list[str]:
    return [result["Outcome"] for result in results]


def texts(result: dict[str, Any]) -> list[str]:
    return [message["Text"] for message in result["Messages"]]
