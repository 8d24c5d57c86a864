"""What is true: records, patterns, incidents, investigations. No I/O."""
