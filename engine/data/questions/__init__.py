"""Question rows proposed from a document: `propose` in `engine.data.questions.propose` applies the rules beside it."""
