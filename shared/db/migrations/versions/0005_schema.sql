-- Frozen once released: a schema for what is the gateway's own, and who may look into it.

CREATE SCHEMA gateway;
GRANT USAGE ON SCHEMA gateway TO winnow_gateway, winnow_notifier, winnow_parser, winnow_keeper;
GRANT USAGE ON SCHEMA imports TO winnow_gateway, winnow_notifier;
