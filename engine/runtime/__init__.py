"""llama.cpp in a spawned child process: the client, the protocol, and the code that the child runs."""
