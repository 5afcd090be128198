"""`python -m workers`, and the command `rapidstart-worker`."""

from workers.cli import main

if __name__ == "__main__":
    main()
