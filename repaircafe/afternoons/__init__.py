"""`/afternoons`: what each date of the café has brought. Nothing here says who brought a thing."""
