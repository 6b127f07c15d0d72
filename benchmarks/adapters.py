"""What adapters cost: see `adapter_costs.py`, which this runs.

It is a file of its own because type checkers take a file of this name for the package `adapters`.
"""

from adapter_costs import main

if __name__ == "__main__":
    main()
