"""The command line; one file per command, no logic that the API lacks."""
