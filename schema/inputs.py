"""What the inputs of mutations have in common."""

import strawberry

KEY = (
    "Any string of 16 to 128 characters that is new for each new request, such as a UUID. Send the same request with "
    "the same key after a failure: it is carried out once, and you get the first answer."
)
REPORT_ID = "The id of the report."
MASK = (
    "The writer knows that the text has personal data, and leaves it as it is: the public sees it masked. Without this "
    "the answer is `PersonalDataFound`."
)
INPUT = strawberry.argument(description="What to do, with a key to do it once.")
