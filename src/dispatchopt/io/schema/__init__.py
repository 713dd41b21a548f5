"""What documents hold: one model per document and one per table row, and nothing twice."""
