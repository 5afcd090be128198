"""The dispatcher's record of everything: SQL, and only here. The broker can be rebuilt from it, never the other way.

`Ledger.write()` and `Ledger.read()` open a transaction; the modules `packages`, `endpoints`, `jobs`, `batches`, `results`,
`places` and `staging` hold one function per question asked inside it.
"""

from connector.ledger.store import Database, Ledger

__all__ = ["Database", "Ledger"]
