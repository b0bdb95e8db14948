"""The app in use for a long time, with faults in between: nothing grows and nothing gets lost."""
