"""The pages by which people sign in and out. Plain: what they look like is decided elsewhere."""

from connector.web.signin.oidc import oidc
from connector.web.signin.routes import routes as plain

__all__ = ["oidc", "plain"]
