"""The command line: `rapidstart`. It talks to the dispatcher over HTTP and keeps nothing of its own.

Modules here import click and the error tree only; everything else is imported by the command that needs it, when it runs.
"""
