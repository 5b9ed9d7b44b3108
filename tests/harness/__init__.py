"""What tests on real servers are written with: the servers, service processes to kill, files, and comparisons."""
