"""The report: a workspace's findings as Markdown and as one self-contained HTML file."""
