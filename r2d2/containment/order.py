"""In what order pairs are decided: all of them, or the best value first as far as limits allow."""

from __future__ import annotations

from r2d2.containment.joins import Joined
from r2d2.containment.verification import Verification
from r2d2.containment.verify import Verifier
from r2d2.progress import Progress


def decide_all(verifier: Verifier, progress: Progress) -> Verification:
    """All pairs: scans first, then joins."""
    scanner = verifier.scanner
    with progress.stage("scan") as reading:
        verification = verifier.scan()
        reading.bytes, reading.files = scanner.bytes_read, scanner.files_read
    with progress.stage("join") as reading:
        before = scanner.bytes_read, scanner.files_read
        joined = verifier.join_rest(verification)
        reading.bytes = joined.bytes + scanner.bytes_read - before[0]
        reading.files, reading.note = joined.files + scanner.files_read - before[1], f", {joined.pairs} pairs"
    return verification


def decide_by_value(verifier: Verifier, progress: Progress) -> Verification:
    """As many pairs as limits allow, in waves: what may save most for its price is read, and decided, first."""
    scanner = verifier.scanner
    with progress.stage("scan and join, best value first") as reading:
        waves, joined, number = verifier.waves(), Joined(), 0
        verification = verifier.scan(waves.reach.copy())
        while True:
            joined += verifier.join_rest(verification)
            left = len(verification.pairs.to_compare())
            wider = waves.widen(verification, scanner.budget)
            if scanner.budget.over_time or not (wider or left):
                break
            number += 1
            verification = verifier.scan(waves.reach.copy(), verification)
            if not wider and len(verification.pairs.to_compare()) == left:
                break
        reading.bytes, reading.files = joined.bytes + scanner.bytes_read, joined.files + scanner.files_read
        most = f" of {scanner.budget.max_bytes:,}" if scanner.budget.max_bytes else ""
        reading.note = f", {number} waves; {scanner.budget.read:,}{most} bytes read so far"
    return verification
