"""Delivery: everything about Kafka that a handler never mentions.

* `envelope`      events to and from Kafka records (CloudEvents 1.0, binary mode)
* `failures`      the three kinds of failure, told apart in one place
* `delivery`      one event through one handler: retried, dead-lettered or quarantined, then acknowledged
* `budget`        stops a stage that would empty its topic into dead letters
* `outbox`        events written in the transaction whose effect they announce
* `relay`         from the outbox to Kafka: fair between tenants, repeated until acted on
* `dead_letters`  listed, shown and sent again
* `limits`        how patient all of that is
* `kafka`         how our clients are set up; topics as code
"""
