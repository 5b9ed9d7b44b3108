REVOKE USAGE ON SCHEMA imports FROM winnow_gateway, winnow_notifier;
DROP SCHEMA gateway;
