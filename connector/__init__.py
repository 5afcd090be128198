"""The dispatcher's side of RapidStart Connector: packages in, jobs out, outcomes home."""

__version__ = "0.1.0"
