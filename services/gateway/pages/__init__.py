"""The pages: HTML for people, rendered here, working without JavaScript and better with it."""
