"""The edge of the program: what comes in from files nobody vouches for, and what goes out to a terminal."""
