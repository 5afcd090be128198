"""Load results: what happened to a job, as an Excel workbook.

The workbook holds the rows that are not in, to be corrected and handed in again. Whatever a user's file holds is written as
text, and never as a formula, a link or a number.
"""

from connector.results.workbook import write_workbook

__all__ = ["write_workbook"]
