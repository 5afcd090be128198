"""Registers this computer as a machine of an endpoint, and takes that back."""
