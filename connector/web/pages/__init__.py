"""The pages that people look at: each answers one question, from what the API says, and starts nothing that it could not.

No page holds a script or a style of its own, or asks another origin for anything.
"""

from connector.web.pages.menu import routes

__all__ = ["routes"]
