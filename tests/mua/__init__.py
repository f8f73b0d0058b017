"""What people and programs read and write with."""
