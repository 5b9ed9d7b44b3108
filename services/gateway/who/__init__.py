"""Who asks: bearer tokens of an OpenID Connect provider, keys of systems, sessions of browsers; and what is denied.

* `claims`     from a token's claims to a person
* `issuer`     what the provider says of itself, and the keys it signs with
* `tokens`     bearer tokens: signature, issuer, audience, times
* `refusals`   why somebody is not believed
* `identification`   all of them, in the order in which they count
"""
