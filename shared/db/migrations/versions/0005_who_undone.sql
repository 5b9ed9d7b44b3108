REVOKE USAGE ON SCHEMA gateway FROM winnow_reader;
DROP TABLE gateway.people;
DROP TABLE gateway.api_keys;
DROP TABLE gateway.sessions;
