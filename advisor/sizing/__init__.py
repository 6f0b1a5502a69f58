"""How many machines a load needs, which ones, and what they cost: `question, supplies, terms -> Sized`."""
