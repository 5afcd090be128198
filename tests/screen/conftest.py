"""Rows are looked at as plans have them: the fixtures are those of the plans."""

from tests.plan.conftest import action, cust_group, metadata, package, planned, service

__all__ = ["action", "cust_group", "metadata", "package", "planned", "service"]
