"""Who asks: bearer tokens of an OpenID Connect provider, keys of systems, sessions of browsers; and what is denied.

* `identification`   all of them, in the order in which they count
* `issuer`, `tokens`, `claims`   the provider and its keys; what makes a token believable; the person it speaks of
* `sign_in`, `sessions`          over the provider and back; who is signed in
* `keys`, `credentials`          keys of systems; secrets and their hashes
* `same_site`        whether a browser's request was meant
* `tenants`, `directory`         which tenants there are; what people are called
* `refusals`, `denials`          why somebody is not believed; what is written down and answered then
* `limits`, `bodies`, `headers`  how much is asked, how much is sent, what every answer tells a browser
* `repository`       the tables of sessions, keys and people
"""
