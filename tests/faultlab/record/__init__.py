"""Records the logs of real servers with real injected faults, as labelled cases."""
