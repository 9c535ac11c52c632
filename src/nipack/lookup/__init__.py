"""The search itself: settings, ini files, versions, and what each root holds."""
