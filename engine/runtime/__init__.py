"""llama.cpp in a spawned child process."""
