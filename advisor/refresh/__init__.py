"""Programs that turn the tables in sources/ into the packaged data files; run at development time, from a checkout."""
