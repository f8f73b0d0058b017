"""The parts of the bench that its figures stand on."""
