"""What `winnow` can be told to do, on any Winnow it can reach. Importing this loads no client of anything: commands import what they need when they are run."""
