"""Files: the uploads that come in and the results that go out, in S3-compatible object storage."""

from shared.storage.buckets import apply_buckets
from shared.storage.object_store import ObjectMissing, ObjectNotErased, ObjectStat, ObjectStore, tenant_owns

__all__ = ["ObjectMissing", "ObjectNotErased", "ObjectStat", "ObjectStore", "apply_buckets", "tenant_owns"]
