"""dispatchopt: where stores stand, what stock lies in them, which courier carries what."""
