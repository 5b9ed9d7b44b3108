"""`python -m services.validator`."""

from services.validator.app import main

if __name__ == "__main__":
    main()
