"""What each ladder of the documentation computes, and how its rungs are compared."""
