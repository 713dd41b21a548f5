"""The assortment engines."""
