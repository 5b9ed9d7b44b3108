"""Files: the uploads that come in and the results that go out, in S3-compatible object storage."""

from shared.storage.answers import ObjectChanged, ObjectMissing, ObjectTooLarge, ObjectUnavailable, ObjectUnreadable
from shared.storage.buckets import apply_buckets
from shared.storage.object_store import ListedObject, ObjectNotErased, ObjectStat, ObjectStore, tenant_owns

__all__ = [
    "ListedObject",
    "ObjectChanged",
    "ObjectMissing",
    "ObjectNotErased",
    "ObjectStat",
    "ObjectStore",
    "ObjectTooLarge",
    "ObjectUnavailable",
    "ObjectUnreadable",
    "apply_buckets",
    "tenant_owns",
]
