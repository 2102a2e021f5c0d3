"""The other program itself: Django makes the schema, fills it by its ORM, and dumps it."""
