"""The pages by which people sign in and out. Plain: what they look like is decided elsewhere."""

from connector.web.signin.routes import routes

__all__ = ["routes"]
