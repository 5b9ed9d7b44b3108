"""Files: the uploads that come in and the results that go out, in S3-compatible object storage."""

from shared.storage.answers import ObjectChanged, ObjectMissing, ObjectTooLarge, ObjectUnavailable, ObjectUnreadable
from shared.storage.buckets import apply_buckets
from shared.storage.multipart import LEAST_PART, MOST_PARTS, MultipartStore, StoredPart, UploadGone
from shared.storage.object_store import ListedObject, ObjectNotErased, ObjectStat, ObjectStore, tenant_owns

__all__ = [
    "LEAST_PART",
    "MOST_PARTS",
    "ListedObject",
    "MultipartStore",
    "ObjectChanged",
    "ObjectMissing",
    "ObjectNotErased",
    "ObjectStat",
    "ObjectStore",
    "ObjectTooLarge",
    "ObjectUnavailable",
    "ObjectUnreadable",
    "StoredPart",
    "UploadGone",
    "apply_buckets",
    "tenant_owns",
]
