"""`python -m bridge` is the same as the command `mogplex-bridge`."""

from bridge.cli import main

if __name__ == "__main__":
    main()
