"""`python -m services.parser`."""

from services.parser.app import main

if __name__ == "__main__":
    main()
