"""Files: the uploads that come in and the results that go out, in S3-compatible object storage."""

from shared.storage.object_store import ObjectMissing, ObjectNotErased, ObjectStat, ObjectStore, tenant_owns

__all__ = ["ObjectMissing", "ObjectNotErased", "ObjectStat", "ObjectStore", "tenant_owns"]
