"""The face of the dispatcher: its HTTP API. It starts jobs and reads the ledger; it decides nothing."""

from connector.web.app import create
from connector.web.listening import Door, check, listen, server
from connector.web.served import serve

__all__ = ["Door", "check", "create", "listen", "serve", "server"]
