"""One folder a process kind; services never import each other."""
