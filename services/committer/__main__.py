"""`python -m services.committer`."""

from services.committer.app import main

if __name__ == "__main__":
    main()
