"""Scripts that turn ../shared/data into the packaged data files; they run at development time only."""
