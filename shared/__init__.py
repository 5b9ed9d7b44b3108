"""What two or more services need, split by meaning; nothing here knows a service."""
