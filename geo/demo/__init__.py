"""The demo that a fresh start brings along: categories, approximate areas of The Hague, and reports that nobody made.

All of it was written for this project from general knowledge of the city. Nothing comes from a register.
"""
