# CMake reads this where llama.cpp's project() begins. luna loads libllama and ggml alone, while llama-cpp-python forces the
# library of llama.cpp's command line tools as well: most of the compile time, and nothing here uses it.
set(LLAMA_BUILD_COMMON OFF CACHE BOOL "llama.cpp: build common utils library" FORCE)
