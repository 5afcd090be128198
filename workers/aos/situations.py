"""Every way in which an AOS says no, in one table: how it is known, what happens next, what is said, what to do.

The first row that fits counts; a row says in which kind of answer it occurs. Texts are matched only where AX gives no code,
and only those that are documented: in another language a row that rests on texts does not fit, and a more careful one does.
XppExceptionType is not looked at: its numbers are not documented. It is shown (`Refusal.signs`).
"""

import re
from typing import Final

from workers.aos.signs import Next, Signs, Situation, Source


def of(signs: Signs) -> Situation:
    """The first row that fits."""
    return next(situation for situation in TABLE if situation.fits(signs))


def _any(*texts: str) -> re.Pattern[str]:
    return re.compile("|".join(texts), re.I | re.S)


def _of(words: str) -> frozenset[str]:
    return frozenset(words.split())


DUPLICATE: Final = "RSC-5115"
EXISTS: Final = "RSC-5116"
STALE_HASH: Final = "RSC-5120"
TOO_LARGE: Final = "RSC-5130"
CONFLICT: Final = "RSC-5420"
UNEXPLAINED: Final = "RSC-5430"
ACCOUNT: Final = "RSC-5910"
STALE_CONTRACT: Final = "RSC-5930"
NOT_ALLOWED: Final = "RSC-5935"
COMPANY: Final = "RSC-5940"

AIF: Final = (Source.AIF,)
WCF: Final = (Source.WCF,)
SOAP: Final = (Source.AIF, Source.WCF)
PAGE: Final = (Source.PAGE,)

_REASONS: Final = 'Set "Include exceptions in fault" on the port (its troubleshooting options) to see the reason here.'
_ACCOUNT: Final = (
    "Check that the account is an enabled user of AX with a role that may call this service, that the port lets it in, and that"
    " it is the one configured at this worker for this origin."
)
_SMALLER: Final = "It is sent in smaller calls. A larger maxReceivedMessageSize or readerQuotas on the port would save them."

TABLE: Final = (
    # --- AX has seen the MessageId: success is likely, and must be looked up.
    Situation(
        code=DUPLICATE,
        next=Next.UNKNOWN,
        sources=SOAP,
        codes=_of("duplicatemessage"),
        texts=_any(r"duplicate message\b.*already been processed"),
        advice="The records are looked up: what is in is told as written.",
    ),
    # --- The call is too large for a quota of the port: nothing was carried out.
    Situation(
        code=TOO_LARGE,
        next=Next.BATCH,
        sources=WCF,
        texts=_any(
            r"max(?:imum)?ReceivedMessageSize",
            r"MaxStringContentLength|maximum string content length quota",
            r"MaxItemsInObjectGraph|maximum number of items that can be serialized or deserialized",
            r"MaxArrayLength|maximum array length quota|MaxDepth|MaxNameTableCharCount|MaxBytesPerRead",
            r"maximum message size quota|quota\b.*\bexceeded|maxRequestLength",
        ),
        sentence="The message is larger than a quota of the port allows: {said}",
        advice=_SMALLER,
    ),
    Situation(
        code=TOO_LARGE,
        next=Next.BATCH,
        sources=PAGE,
        statuses=_of("413 404.13"),
        sentence="{url}: the message is too large for the port (HTTP {status}).",
        advice=_SMALLER + " IIS has a limit of its own: maxAllowedContentLength.",
    ),
    Situation(
        code=TOO_LARGE,
        next=Next.BATCH,
        sources=PAGE,
        statuses=_of("400"),  # also how older service hosts refuse a message that is too large
        sentence="{url} does not take the message, it may be too large (HTTP {status}).",
        advice=_SMALLER,
    ),
    # --- The contract of the port is not the one that the call was made by.
    Situation(
        code=STALE_CONTRACT,
        next=Next.ENDPOINT,
        sources=SOAP,
        codes=_of("actionnotsupported"),
        texts=_any(r"ContractFilter mismatch", r"ActionNotSupported"),
        sentence="The port no longer offers the operation as its contract said: {said}",
        advice="Read the endpoint's metadata again (rapidstart endpoint metadata NAME --refresh).",
    ),
    Situation(
        code=STALE_CONTRACT,
        next=Next.ENDPOINT,
        sources=SOAP,
        texts=_any(r"has (?:an )?invalid child element", r"incomplete content", r"list of possible elements expected"),
        sentence="The port's schema is another one than its contract said, documents were checked against that: {said}",
        advice="Read the endpoint's metadata again (rapidstart endpoint metadata NAME --refresh): the port's data policies or "
        "its service have changed.",
    ),
    # --- The customer's table service (deploy/ax/CONTRACT.md) has codes of its own.
    Situation(
        code=NOT_ALLOWED,
        next=Next.ENDPOINT,
        sources=AIF,
        codes=_of("rapidstartnotallowed rapidstartunknownname"),
        advice="Put the table or method on the service's allow-list in AX, or correct the name in the mapping.",
    ),
    # --- Transactions that got into each other's way.
    Situation(
        code=CONFLICT,
        next=Next.SAME,
        sources=SOAP,
        texts=_any(r"\bdeadlock"),
        sentence="AX rolled the call back: {said}",
        advice="It is made again after a pause.",
    ),
    Situation(
        code=CONFLICT,
        next=Next.SAME,
        sources=AIF,
        texts=_any(r"update conflict"),
        unnamed=True,
        sentence="AX rolled the call back: {said}",
        advice="It is made again after a pause.",
    ),
    Situation(
        code=STALE_HASH,
        next=Next.NEW,
        sources=AIF,
        texts=_any(r"concurren", r"document ?hash", r"changed since", r"RecVersion", r"update conflict"),
        advice="Another user changed the record at the same time: load the row again.",
    ),
    # --- The endpoint as a whole.
    Situation(
        code=COMPANY,
        next=Next.ENDPOINT,
        sources=SOAP,
        texts=_any(
            r"compan\w*\b.*(?:not exist|not found|unknown|invalid|not valid|no access|not (?:have )?access|cannot)",
            r"(?:not exist|not found|unknown|invalid|not valid|no access|not (?:have )?access|cannot).*\bcompan",
        ),
        unnamed=True,
        names_company=True,
        sentence="The company {company} cannot be used on this AOS: {said}",
        advice="Check the company's identifier, and that the worker's account may use it.",
    ),
    Situation(
        code=ACCOUNT,
        next=Next.ENDPOINT,
        sources=SOAP,
        codes=_of("invalidsecurity failedauthentication accessdenied invalidsecuritytoken"),
        texts=_any(
            r"access (?:is )?denied",
            r"not (?:authori[sz]|authenticat)ed",
            r"insufficient (?:rights|permission)",
            r"failed ?authentication",
        ),
        unnamed=True,
        sentence="AX refuses this worker's account: {said}",
        advice=_ACCOUNT,
    ),
    # --- Rows. What is not known better is one.
    Situation(
        code=EXISTS,
        next=Next.ROW,
        sources=AIF,
        texts=_any(r"already exists?\b", r"duplicate key"),
        advice="Load it in mode upsert or update to change the record, or take the row out.",
    ),
    Situation(
        code="RSC-5117",
        next=Next.ROW,
        sources=AIF,
        texts=_any(r"must be filled in", r"mandatory"),
        advice="Fill the field in, or give it a constant in the mapping.",
    ),
    Situation(
        code="RSC-5111",
        next=Next.ROW,
        sources=AIF,
        texts=_any(r"see the exception log", r"^request failed\.?$"),
        unnamed=True,
        advice=_REASONS,
    ),
    Situation(
        code="RSC-5110",
        next=Next.ROW,
        sources=AIF,
        advice="Correct the row and load it again. Nothing of its document was written.",
    ),
    # --- Faults of the service host.
    Situation(
        code="RSC-5400",
        next=Next.SAME,
        sources=WCF,
        codes=_of("endpointnotfound endpointunavailable servertoobusy dispatcherservertoobusy"),
        texts=_any(
            r"EndpointNotFound", r"ServerTooBusy", r"ServiceActivation", r"no endpoint listening", r"could not be activated"
        ),
        sentence="The AOS is not in service: {said}",
        advice="It restarts, or is overloaded; a port that is activated restarts all ports of its AOS.",
    ),
    Situation(
        code="RSC-5902",
        next=Next.ENDPOINT,
        sources=WCF,
        codes=_of("destinationunreachable"),
        texts=_any(r"AddressFilter mismatch"),
        sentence="The port does not listen at this address: {said}",
        advice="Register the endpoint with the address that the port's own WSDL shows.",
    ),
    Situation(
        code="RSC-5908",
        next=Next.ENDPOINT,
        sources=WCF,
        codes=_of("versionmismatch mustunderstand"),
        sentence="The port does not speak SOAP 1.1: {said}",
        advice="Configure the port's binding as basicHttpBinding, with text encoding.",
    ),
    Situation(
        code="RSC-5112",
        next=Next.ROW,
        sources=WCF,
        codes=_of("deserializationfailed"),
        texts=_any(r"deserial"),
        sentence="AX could not read the message: {said}",
        advice="Correct the row, or read the endpoint's metadata again where every row is refused.",
    ),
    Situation(
        code="RSC-5111",
        next=Next.ROW,
        sources=WCF,
        codes=_of("client sender"),
        advice=_REASONS,
    ),
    Situation(
        code=UNEXPLAINED,
        next=Next.UNKNOWN,
        sources=WCF,
        reading=Next.SAME,
        sentence="The AOS failed without saying why: {said}",
        advice="Its Windows event log and AX' exception log say more. " + _REASONS,
    ),
    # --- Pages of IIS, http.sys and what stands between, in the order of their numbers.
    Situation(
        code="RSC-5909",
        next=Next.ENDPOINT,
        sources=PAGE,
        statuses=_of("403.4 403.5"),
        sentence="{url} takes HTTPS only (HTTP {status}).",
        advice="Register the endpoint with its https address.",
    ),
    Situation(
        code="RSC-5901",
        next=Next.ENDPOINT,
        sources=PAGE,
        statuses=_of("403.14 405"),
        sentence="{url} is not the address of a service (HTTP {status}).",
        advice="Register the endpoint with the port's address, which ends in xppservice.svc.",
    ),
    Situation(
        code=ACCOUNT,
        next=Next.ENDPOINT,
        sources=PAGE,
        statuses=_of("401 403"),
        sentence="{url} refuses this worker's account (HTTP {status}).",
        advice=_ACCOUNT,
    ),
    Situation(
        code="RSC-5902",
        next=Next.ENDPOINT,
        sources=PAGE,
        statuses=_of("404.3 404.17 404.7 404.2"),
        sentence="{url}: IIS does not serve .svc files (HTTP {status}).",
        advice="Install HTTP activation of .NET (WCF) on the web server, and allow .svc and ASP.NET there.",
    ),
    Situation(
        code="RSC-5902",
        next=Next.ENDPOINT,
        sources=PAGE,
        statuses=_of("404 410"),
        sentence="{url}: there is no such port (HTTP {status}).",
        advice="Check the port's name, that it is activated, and that it is published on IIS.",
    ),
    Situation(
        code="RSC-5908",
        next=Next.ENDPOINT,
        sources=PAGE,
        statuses=_of("415"),
        sentence="{url} does not take SOAP 1.1 as text (HTTP {status}).",
        advice="Configure the port's binding as basicHttpBinding, with text encoding.",
    ),
    Situation(
        code="RSC-5902",
        next=Next.ENDPOINT,
        sources=PAGE,
        statuses=_of("500.19 500.21 500.22 500.23 500.24"),
        sentence="{url}: IIS cannot use its own configuration (HTTP {status}).",
        advice="Open the address in a browser on the web server: its page names the section that is wrong.",
    ),
    Situation(
        code="RSC-5400",
        next=Next.SAME,
        sources=PAGE,
        statuses=_of("503"),
        sentence="{url} is not in service (HTTP {status}).",
        advice="The AOS or its web site restarts, is stopped, or is overloaded.",
    ),
    Situation(
        code="RSC-5431",
        next=Next.UNKNOWN,
        sources=PAGE,
        statuses=_of("408 500 501 502 504"),
        reading=Next.SAME,
        sentence="{url} answered with an error page (HTTP {status}).",
        advice="The AOS or its web site restarts, is overloaded, or took too long.",
    ),
    Situation(
        code="RSC-5411",
        next=Next.UNKNOWN,
        sources=PAGE,
        statuses=_of("200 201 202 203 204 205 206"),
        reading=Next.ENDPOINT,
        sentence="{url} gave an answer that cannot be read (HTTP {status}, {kind}).",
        advice="Check that the port answers with SOAP 1.1 as text (no MTOM), and what stands between worker and AOS.",
    ),
    Situation(
        code="RSC-5901",
        next=Next.ENDPOINT,
        sources=PAGE,
        sentence="{url} gave an answer that no AX service gives (HTTP {status}, {kind}).",
        advice="Open the address in a browser on the AOS computer.",
    ),
)
