"""Actions and metadata become ordered steps, each decision with its reason.

Pure: rows are only read through the actions that it is given.
"""

from connector.plan.drafts import tables
from connector.plan.making import make
from connector.plan.rows import rows, trimmed
from connector.plan.values import Link, Plan, Step

__all__ = ["Link", "Plan", "Step", "make", "rows", "tables", "trimmed"]
