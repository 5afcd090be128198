"""How machines are registered, over HTTP: what a worker asks, what an administrator decides, and the page for it."""

from connector.web.activation.api import device, machines
from connector.web.activation.routes import routes as pages

__all__ = ["device", "machines", "pages"]
