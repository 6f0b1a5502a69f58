"""Laws of the verdict, held against thousands of random questions."""
