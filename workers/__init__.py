"""The AOS side of RapidStart Connector: Celery workers that carry out jobs over an AOS' services."""
