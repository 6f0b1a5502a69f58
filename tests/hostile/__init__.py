"""Plans and folders from strangers: nothing of them runs."""
