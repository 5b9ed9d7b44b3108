"""The family of products: a product and its variants, with the entities they name."""

from services.validator.products.family import Products

__all__ = ["Products"]
