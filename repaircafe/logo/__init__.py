"""The café's logo: a picture that the organiser uploads, decoded and written anew before anybody sees it."""
