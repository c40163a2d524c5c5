"""The engine, in layers; each may import those below it, and import-linter holds that.

service        who may do what, when: the one way in for all long work
experiments    many trainings with one question: the study, the ladder
pipeline       one generation: prepare, train, export, evaluate, judge, record; resume, rollback
evaluation     exams, gate, stop rule, forgetting matrix, comparisons   | publish | diagnostics
training       jobs, backends, checkpoints, the training loop          | models: the base, lineage weights, rebuild
data           readers, parsers, rows, holdout, replay, inbox, synthetic rows
runtime        llama.cpp in a child process                            | workspace: layout, lock, runs, manifests
gguf           header, tensors, conversion                             | config: schema, sources, recipes
core           errors, events, journal, cancellation
"""
