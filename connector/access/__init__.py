"""Who may do what: roles, service instances, API tokens, people and their sessions. It serves no page and writes no SQL."""
