"""The local stack: real servers without Docker, and the service processes under a supervisor.

* `kafka_server`, `postgres_server`, `s3_server`  one module a server
* `issuer_server`   the local issuer: who people are, for demos and tests (`issuer`, `issuer_keys`, `people`)
* `server`      what they all have in common: start, stop, kill, start again on the same port
* `servers`     those of one folder, and what a process is told to reach them
* `stack`       the servers, and the services: started, scaled, renewed, stopped
* `supervisor`  makes the services what the stack's state says, and starts again what dies
* `replicas`    one process of a service under supervision, and how to find those that run
* `state`, `json_file`            what is kept between commands
* `release`, `readiness`          which code a service runs, and whether it works
* `processes`   detached processes, known by pid and moment of creation
* `preflight`, `unprivileged`     what is in the way, and the user PostgreSQL runs as; standard library only
* `certificate` what the parts of the S3 server show to each other
"""
