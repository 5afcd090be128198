"""How a computer beside an AOS becomes a machine of an endpoint: registration, activation, and its login at the broker.

It decides nothing by itself: an administrator approves, or has made a one-time token beforehand.
"""
