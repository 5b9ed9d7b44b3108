"""What operators see and do, for the API and the pages alike: of all tenants, ids and numbers.

* `state`        stages, what is under way, what stands still, in a judgement
* `judgement`    what the numbers mean, in words. Pure
* `letters`      dead letters: listed, read, sent again
"""
