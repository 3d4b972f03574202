"""``python -m tlsviz``."""

from tlsviz.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
