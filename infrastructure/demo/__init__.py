"""The demo world of `make run`: a few real processes, their real logs, one real fault.

The world never tells the copilot what was broken: the copilot gets the log files and nothing else.
"""
