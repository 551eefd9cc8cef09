"""`python -m companion`: the program where it is installed as a package."""

from companion.cli import run

if __name__ == "__main__":
    run()
