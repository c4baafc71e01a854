"""What holds of pools and of executors alike, each contract written once for both."""
