"""Files on their way in: from whoever sends them into storage, in pieces, through any process of the gateway.

* `uploads`     what can be done with an upload: begin, go on, look at, complete, give up
* `receiving`   bytes of one request into pieces, and pieces into storage
* `pieces`      the memory that pieces lie in: so much, and no more
* `repository`  how far each upload is (`gateway.uploads`)
* `used`        an upload becomes an import
* `forms`       a file that a page without JavaScript sends
* `tus`         the words of the tus protocol
* `names`       which files are taken, before a byte of them is

How far an upload is, the database says: what is received of it is in storage, or in `gateway.upload_pieces`, before it is
counted. So whichever process a sender comes to next goes on from there, and one that is killed loses what was in its memory.
"""
