"""The command line's commands on usage: import, explain, sum up, verify, quarantine."""
