"""The page, the API and the commands of the settings: everything the organiser can change, except credentials."""
