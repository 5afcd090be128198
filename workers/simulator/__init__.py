"""A pretend AOS: it speaks the contracts of AX 2012 document services, and misbehaves on request.

It shares no code with what it is there to test: it imports nothing of ours, and neither zeep nor Celery.
"""

from workers.simulator.server import Server
from workers.simulator.setup import Options, serve, server

__all__ = ["Options", "Server", "serve", "server"]
