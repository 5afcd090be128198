"""net.tcp, as WCF speaks it: a second way to the services of an AOS, beside HTTP.

It carries SOAP 1.2 messages that others wrote to an address and brings the answers back as XML; what they say it does not read.
pynettcp, which knows the framing, the security stream and the table of names, is known to `borrowed` alone.
"""

from workers.aos.nettcp.channels import Channels
from workers.aos.nettcp.naming import TargetName
from workers.aos.nettcp.place import DEFAULT_PORT, contract_address, is_one, place, via
from workers.aos.nettcp.way import Way, told_by

__all__ = ["DEFAULT_PORT", "Channels", "TargetName", "Way", "contract_address", "is_one", "place", "told_by", "via"]
