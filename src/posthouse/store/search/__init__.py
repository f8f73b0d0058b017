"""What is found without looking: an index beside the main database, derived from it."""
