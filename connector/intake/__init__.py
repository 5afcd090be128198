"""Package readers: what a user hands in becomes ordered actions whose rows are read lazily, each with its file, sheet and row.

Start at `package.open_package`. Nothing here knows an endpoint, and no message of this room shows a path of the server.
"""
