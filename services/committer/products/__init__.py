"""The family of products: a product and its variants, with the entities they name."""

from services.committer.products.family import Products

__all__ = ["Products"]
