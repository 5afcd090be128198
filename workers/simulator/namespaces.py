"""The namespaces of an AX 2012 document service on an HTTP port, and of the customer-installed table and class service."""

from typing import Final

SOAP: Final = "http://schemas.xmlsoap.org/soap/envelope/"
WSDL: Final = "http://schemas.xmlsoap.org/wsdl/"
WSDL_SOAP: Final = "http://schemas.xmlsoap.org/wsdl/soap/"
XSD: Final = "http://www.w3.org/2001/XMLSchema"
XSI: Final = "http://www.w3.org/2001/XMLSchema-instance"

SERVICES: Final = "http://schemas.microsoft.com/dynamics/2008/01/services"
DOCUMENTS: Final = "http://schemas.microsoft.com/dynamics/2008/01/documents/"
SHARED_TYPES: Final = "http://schemas.microsoft.com/dynamics/2008/01/sharedtypes"
ROUTING: Final = "http://schemas.microsoft.com/netfx/2009/05/routing"

CALL_CONTEXT: Final = "http://schemas.microsoft.com/dynamics/2010/01/datacontracts"
ENTITY_KEY: Final = "http://schemas.microsoft.com/dynamics/2006/02/documents/EntityKey"
ENTITY_KEY_LIST: Final = "http://schemas.microsoft.com/dynamics/2006/02/documents/EntityKeyList"
ENTITY_KEY_PAGE: Final = "http://schemas.microsoft.com/dynamics/2011/02/documents/EntityKeyPage"
DOCUMENT_PAGING: Final = "http://schemas.microsoft.com/dynamics/2011/02/documents/DocumentPaging"
QUERY_CRITERIA: Final = "http://schemas.microsoft.com/dynamics/2006/02/documents/QueryCriteria"
FAULT: Final = "http://schemas.microsoft.com/dynamics/2008/01/documents/Fault"
INFOLOG: Final = "http://schemas.datacontract.org/2004/07/Microsoft.Dynamics.AX.Framework.Services"

ARRAYS: Final = "http://schemas.microsoft.com/2003/10/Serialization/Arrays"
#: The X++ service of deploy/ax, and the data contracts of X++ classes.
TABLE_SERVICES: Final = "http://rapidstart-connector/ax/2026/services"
APPLICATION: Final = "http://schemas.datacontract.org/2004/07/Dynamics.Ax.Application"

#: Namespaces whose elements stand beside the document in requests and responses.
BESIDE_DOCUMENT: Final = frozenset({ENTITY_KEY, ENTITY_KEY_LIST, ENTITY_KEY_PAGE, DOCUMENT_PAGING, QUERY_CRITERIA})
