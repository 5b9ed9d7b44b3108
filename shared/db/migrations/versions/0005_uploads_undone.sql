-- Frozen once released: no file is on its way in.

DROP TABLE gateway.looks;
DROP TABLE gateway.upload_pieces;
DROP TABLE gateway.uploads;
REVOKE USAGE ON SCHEMA gateway FROM winnow_intake;
