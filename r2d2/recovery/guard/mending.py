"""What a retirement keeps in lake and state, made whole again: its claims, and both copies of its recipe."""

from __future__ import annotations

from r2d2.errors import Tampered
from r2d2.model.receipt import Receipt
from r2d2.model.recipe import Recipe
from r2d2.recovery.claims.claims import Claim, ClaimKind
from r2d2.recovery.context import Recovery
from r2d2.recovery.moves.places import Area
from r2d2.recovery.recipes import recipe_store


class Mending:
    """Looks at what is kept, each place once, and mends what is not as it should be.

    Attributes:
        said: what was mended, in words, since it was last asked for.
    """

    def __init__(self, recovery: Recovery) -> None:
        self.recovery = recovery
        self.said: list[str] = []
        self._claims: dict[str, list[Claim]] = {}
        self._kept = recipe_store.sums_in_state(recovery.state)

    def claims(self, receipt: Receipt) -> None:
        """Makes the claims of a retirement that are not there, or not as they should be.

        Raises:
            NotRetirable: meanwhile somebody else retired what it is rebuilt from.
            Tampered: a claim of somebody else is damaged.
            LakeError: they can't be read or written.
        """
        own = self.recovery.claims
        for kind, location in ((ClaimKind.RETIRED, receipt.location), (ClaimKind.PARENT, receipt.parent_location)):
            if self._stands(kind, location, receipt):
                continue
            wrong = own.mend(kind, location, receipt.location, receipt.id)
            self._claims.pop(location, None)
            if wrong:
                self.said.append(f"its claim in the lake ({kind}) {wrong}")
                own.refuse_taken(receipt.location, receipt.parent_location, receipt.id)

    def recipe(self, receipt: Receipt) -> Recipe:
        """The recipe of a retirement, both copies of it as they were written.

        Raises:
            Tampered: neither is.
            OSError: the lake refuses to give its copy.
        """
        text, wrong = recipe_store.beside(receipt), ""
        if recipe_store.sha256_of(text) != receipt.recipe:
            recipe = recipe_store.load(self.recovery.state, receipt)
            wrong = "beside the quarantine"
        else:
            recipe = Recipe.from_json(text)
            wrong = "in the state" if receipt.recipe not in self._kept.get(receipt.id, ()) else ""
        if wrong:
            recipe_store.keep(self.recovery.state, self.recovery.lake, Area(receipt.root, receipt.id), recipe)
            self.said.append(f"its recipe {wrong} was gone or changed")
        return recipe

    def _stands(self, kind: ClaimKind, location: str, receipt: Receipt) -> bool:
        wanted = kind, location, receipt.location, receipt.id, self.recovery.claims.id
        return any((c.kind, c.location, c.child, c.receipt, c.state) == wanted for c in self._on(location))

    def _on(self, location: str) -> list[Claim]:
        if location not in self._claims:
            try:
                self._claims[location] = self.recovery.claims.on(location)
            except Tampered:  # whose it is shows when one's own are mended
                return []
        return self._claims[location]
