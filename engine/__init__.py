"""The engine: config, curriculum, training, export, llama.cpp runtime and the orchestrator of a generation."""
