"""Wiring of the exporter."""

from functools import partial

from services.exporter.handler import ExportCorrections
from services.exporter.settings import ExporterSettings
from shared.events.topics import CORRECTIONS_EXPORTED, IMPORT_COMPLETED
from shared.runtime.process import run_stage
from shared.runtime.settings import ServiceSettings, StorageSettings
from shared.runtime.stage import Resources, Stage
from shared.storage import ObjectStore


def main() -> None:
    """Run the exporter until it is told to stop."""
    storage = StorageSettings()
    exporter = ExporterSettings()

    def wire(resources: Resources) -> Stage:
        store = ObjectStore(storage.connection)
        handler = ExportCorrections(
            resources.engine, store, storage.results_bucket, exporter, beat=resources.health.beat
        )
        return Stage(
            name="exporter",
            topic=IMPORT_COMPLETED,
            handler=handler,
            tenants_at_once=2,
            relays=(CORRECTIONS_EXPORTED,),
            probes={"storage": partial(store.answer, storage.results_bucket)},
        )

    run_stage(ServiceSettings(), "exporter", wire)
