"""The configuration in luna.toml: its schema, the sources of its values, and the recipe of each training phase."""
