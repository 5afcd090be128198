"""`python -m workers.simulator`."""

from workers.simulator.command import simulate

if __name__ == "__main__":
    simulate()
