"""`python -m services.keeper`."""

from services.keeper.app import main

if __name__ == "__main__":
    main()
