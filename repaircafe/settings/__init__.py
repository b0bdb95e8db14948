"""The settings: what each may be, and where they are kept. The pages that show them are in config/."""
