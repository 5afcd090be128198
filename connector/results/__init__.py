"""Load results: what happened to a job, as an Excel workbook, as one HTML file, and as CSV.

The workbook holds the rows that are not in, to be corrected and handed in again. Whatever a user's file holds is written as
text, and never as a formula, a link or a number.
"""

from connector.results.document import html_parts
from connector.results.table import csv_lines
from connector.results.workbook import write_workbook

__all__ = ["csv_lines", "html_parts", "write_workbook"]
