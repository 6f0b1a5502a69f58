"""`advisor ui`: the question on the left, the answer on the right, as a page of this machine alone."""
