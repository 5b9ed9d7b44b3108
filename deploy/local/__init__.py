"""The local stack: real servers without Docker, and the service processes under a supervisor.

* `kafka_server`, `postgres_server`, `s3_server`  one module a server
* `server`      what the three have in common: start, stop, kill, start again on the same port
* `processes`   detached processes, known by pid and moment of creation
* `stack`       all of it together, and what each service process is told
* `supervisor`  starts the services, and starts again what dies
"""
