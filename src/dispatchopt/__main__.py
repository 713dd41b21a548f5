"""``python -m dispatchopt`` is the command line."""

from dispatchopt.cli.main import main

if __name__ == "__main__":
    main()
