"""SOAP messages as bytes: the header once per company, the body spliced in as it is."""

from collections.abc import Sequence
from typing import Final
from uuid import uuid4
from xml.sax.saxutils import escape, quoteattr

from workers.aos.values import Criterion, Key

ENVELOPE_NS: Final = "http://schemas.xmlsoap.org/soap/envelope/"
ENVELOPE_12_NS: Final = "http://www.w3.org/2003/05/soap-envelope"
ADDRESSING_NS: Final = "http://www.w3.org/2005/08/addressing"
KEY_LIST_NS: Final = "http://schemas.microsoft.com/dynamics/2006/02/documents/EntityKeyList"
KEY_NS: Final = "http://schemas.microsoft.com/dynamics/2006/02/documents/EntityKey"
CRITERIA_NS: Final = "http://schemas.microsoft.com/dynamics/2006/02/documents/QueryCriteria"
PAGING_NS: Final = "http://schemas.microsoft.com/dynamics/2011/02/documents/DocumentPaging"

_OPEN: Final = f'<?xml version="1.0" encoding="utf-8"?>\n<s:Envelope xmlns:s="{ENVELOPE_NS}"><s:Header>'.encode()
_MIDDLE: Final = b"</s:Header><s:Body>"
_CLOSE: Final = b"</s:Body></s:Envelope>"
_OPEN_12: Final = f'<s:Envelope xmlns:s="{ENVELOPE_12_NS}" xmlns:a="{ADDRESSING_NS}"><s:Header>'.encode()
_ANONYMOUS: Final = f"<a:ReplyTo><a:Address>{ADDRESSING_NS}/anonymous</a:Address></a:ReplyTo>"


def envelope(context: bytes, body: bytes) -> bytes:
    """The whole message: `context` is the CallContext element, `body` the request element, both complete."""
    return b"".join((_OPEN, context, _MIDDLE, body, _CLOSE))


def addressed(context: bytes, body: bytes, *, action: str, to: str) -> bytes:
    """The whole message in SOAP 1.2 with WS-Addressing headers, as net.tcp wants it. `to`: the service's own address.

    Its MessageID, which only pairs the answer, is a new one each time; the one that AX keeps stands in the CallContext.
    """
    headers = (
        f'<a:Action s:mustUnderstand="1">{_text(action)}</a:Action><a:MessageID>urn:uuid:{uuid4()}</a:MessageID>{_ANONYMOUS}'
        f'<a:To s:mustUnderstand="1">{_text(to)}</a:To>'
    )
    return b"".join((_OPEN_12, headers.encode(), context, _MIDDLE, body, _CLOSE))


def request(name: str, namespace: str, content: str) -> bytes:
    """A request element around content that brings its own namespaces."""
    return f"<{name} xmlns={quoteattr(namespace)}>{content}</{name}>".encode()


def key_list(keys: Sequence[Key]) -> str:
    """An EntityKeyList element."""
    inside = "".join(f'<EntityKey xmlns="{KEY_NS}"><KeyData>{_key_fields(key)}</KeyData></EntityKey>' for key in keys)
    return f'<EntityKeyList xmlns="{KEY_LIST_NS}">{inside}</EntityKeyList>'


def criteria(conditions: Sequence[Criterion]) -> str:
    """A QueryCriteria element."""
    return f'<QueryCriteria xmlns="{CRITERIA_NS}">{"".join(map(_criterion, conditions))}</QueryCriteria>'


def paging(page_size: int) -> str:
    """A DocumentPaging element for the first page."""
    return f'<DocumentPaging xmlns="{PAGING_NS}"><PageSize>{page_size}</PageSize></DocumentPaging>'


def _key_fields(key: Key) -> str:
    return "".join(
        f"<KeyField><Field>{_text(name)}</Field><Value>{_text(value)}</Value></KeyField>" for name, value in key.items()
    )


def _criterion(condition: Criterion) -> str:
    upper = "" if condition.value2 is None else f"<Value2>{_text(condition.value2)}</Value2>"
    return (
        f"<CriteriaElement><DataSourceName>{_text(condition.table)}</DataSourceName>"
        f"<FieldName>{_text(condition.field)}</FieldName><Operator>{condition.operator}</Operator>"
        f"<Value1>{_text(condition.value1)}</Value1>{upper}</CriteriaElement>"
    )


def _text(value: str) -> str:
    return escape(value, {"\r": "&#13;"})
