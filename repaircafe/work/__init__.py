"""Jobs: work that outlives a request, such as a reply or a download, with one queue for all processes."""
