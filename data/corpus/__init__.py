"""Text corpora: sources of documents, files, and resumable parallel jobs."""
