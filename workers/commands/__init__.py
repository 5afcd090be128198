"""The commands of the AOS side that are more than a few lines; `workers.cli` loads each when it is called."""
