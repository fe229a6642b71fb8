"""What to do first in an emergency."""

from typing import Annotated

import strawberry

from schema.enums import Language

_TEXT = {
    Language.NL: "Bel nu 112. Deze melding vervangt dat niet.",
    Language.EN: "Phone 112 now. This report does not replace that.",
}


@strawberry.type(description="What to do first where life or limb is in danger.")
class EmergencyAdvice:
    phone: str = strawberry.field(description="The number to phone: `112`.")

    @strawberry.field(description='To be shown at once. Example: `"Bel nu 112. Deze melding vervangt dat niet."`.')
    def text(
        self, lang: Annotated[Language, strawberry.argument(description="The language of the text.")] = Language.NL
    ) -> str:
        return _TEXT[lang]


def emergency_advice() -> EmergencyAdvice:
    return EmergencyAdvice(phone="112")
