"""What runs a process: the top layer of `shared`. Importing this package, or its settings, loads neither Kafka nor SQLAlchemy.

* `settings`       what every service process is told by its environment
* `stage`          what one process kind does
* `process`        one process of a stage, put together
* `consumer`       records from Kafka to the courier
* `background`     work that takes longer than an event should be held
* `shutdown`       how a process ends, within its grace period
* `probes`         whether what a process needs is there
* `health_server`  /livez, /readyz and /metrics
"""
