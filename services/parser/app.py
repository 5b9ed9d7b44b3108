"""Wiring of the parser."""

from datetime import timedelta
from functools import partial

from services.parser.dependencies import Dependencies
from services.parser.handler import ImportFile
from services.parser.looks.job import Looks
from services.parser.reading.readers import Readers
from services.parser.reading.workspace import Workspace
from services.parser.settings import ParserSettings
from shared.events.topics import FILE_UPLOADED, ROWS_STAGED
from shared.runtime.process import run_stage
from shared.runtime.settings import ServiceSettings, StorageSettings
from shared.runtime.stage import Resources, Stage
from shared.storage import ObjectStore


def main() -> None:
    """Run the parser until it is told to stop."""
    settings = ServiceSettings()
    storage = StorageSettings()

    def wire(resources: Resources) -> Stage:
        mine = ParserSettings()
        workspace = Workspace(mine.folder)
        workspace.clean()
        store = ObjectStore(storage.connection)
        readers = Readers()
        dependencies = Dependencies(
            engine=resources.engine,
            store=store,
            bucket=storage.uploads_bucket,
            settings=mine,
            workspace=workspace,
            reemit_after=timedelta(seconds=mine.reread_after_seconds),
            beat=resources.health.beat,
            readers=readers,
        )
        handler = ImportFile(dependencies)
        looks = Looks(dependencies, listen=settings.database_options.can_listen)
        return Stage(
            name="parser",
            topic=FILE_UPLOADED,
            handler=handler,
            accept=handler.accept,
            slots=mine.files_at_once,
            refuse=handler.refuse,
            jobs=(readers.keep_warm, looks.run),
            relays=(FILE_UPLOADED, ROWS_STAGED),
            probes={"storage": partial(store.answer, storage.uploads_bucket)},
        )

    run_stage(settings, "parser", wire)
