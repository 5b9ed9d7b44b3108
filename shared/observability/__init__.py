"""What operators see: structured logs, metrics, liveness and readiness."""
