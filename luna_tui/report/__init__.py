"""The report: what a workspace has found, as Markdown and as one HTML file that needs nothing else."""
