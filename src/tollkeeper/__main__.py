"""`python -m tollkeeper`: the same as the command `tollkeeper`."""

from tollkeeper.cli import main

if __name__ == "__main__":
    main()
