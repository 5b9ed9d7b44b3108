-- Whoever shows an import is told that it has changed: at the commit, once a transaction and import (Postgres sends what is
-- the same once). Each row by itself: a transaction changes one chunk mostly, and sets of rows would cost it more.
CREATE FUNCTION imports.announce_chunk() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM pg_notify('winnow_imports', NEW.tenant_id || ':' || NEW.import_id);
    RETURN NULL;
END
$$;
CREATE FUNCTION imports.announce_import() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM pg_notify('winnow_imports', NEW.tenant_id || ':' || NEW.id);
    RETURN NULL;
END
$$;
-- An import that is new or ends is part of what is shown of those it corrects, and of the one it takes back.
CREATE FUNCTION imports.announce_relatives() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM pg_notify('winnow_imports', NEW.tenant_id || ':' || found.id)
       FROM (WITH RECURSIVE above AS (
                 SELECT NEW.parent_import_id AS id
                  UNION
                 SELECT i.parent_import_id FROM above a JOIN imports.imports i ON i.id = a.id)
             SELECT id FROM above WHERE id IS NOT NULL
              UNION
             SELECT NEW.undoes_import_id WHERE NEW.undoes_import_id IS NOT NULL) found;
    RETURN NULL;
END
$$;
CREATE TRIGGER announce_chunk AFTER INSERT OR UPDATE ON imports.import_chunks
    FOR EACH ROW EXECUTE FUNCTION imports.announce_chunk();
CREATE TRIGGER announce_import AFTER INSERT OR UPDATE ON imports.imports
    FOR EACH ROW EXECUTE FUNCTION imports.announce_import();
CREATE TRIGGER announce_new_relative AFTER INSERT ON imports.imports
    FOR EACH ROW WHEN (NEW.parent_import_id IS NOT NULL OR NEW.undoes_import_id IS NOT NULL)
    EXECUTE FUNCTION imports.announce_relatives();
CREATE TRIGGER announce_relative AFTER UPDATE OF status, parent_import_id ON imports.imports
    FOR EACH ROW WHEN ((NEW.parent_import_id IS NOT NULL OR NEW.undoes_import_id IS NOT NULL)
                       AND (NEW.status, NEW.parent_import_id) IS DISTINCT FROM (OLD.status, OLD.parent_import_id))
    EXECUTE FUNCTION imports.announce_relatives();
