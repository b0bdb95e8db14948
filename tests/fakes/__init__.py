"""Stand-ins for neighbours that cannot run here or must misbehave on command. Each says what it leaves out."""
