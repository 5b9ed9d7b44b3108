"""Who reads which topic."""

from shared.events import TOPICS
from shared.events.topics import CORRECTIONS_EXPORTED, IMPORT_COMPLETED


def test_a_group_reads_one_topic_and_is_known_once() -> None:
    groups = [group for topic in TOPICS for group in topic.groups]
    assert len(groups) == len(set(groups))


def test_the_end_of_an_import_is_read_by_exporter_and_notifier_and_the_outbox_waits_for_the_exporter() -> None:
    assert IMPORT_COMPLETED.group == "winnow-exporter"
    assert IMPORT_COMPLETED.groups == ("winnow-exporter", "winnow-notifier")
    assert CORRECTIONS_EXPORTED.groups == ()
