"""luna.toml: its schema, where a value comes from, and the recipe of a phase."""
