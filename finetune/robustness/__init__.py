"""How much typos cost a model."""
