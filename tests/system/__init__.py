"""The whole program, as a person starts it, looked at through its sockets and its commands."""
