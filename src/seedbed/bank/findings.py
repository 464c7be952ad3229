"""x"""

from seedbed.bank.model import Bank
from seedbed.bank.text import Remark


def structural_findings(bank: Bank) -> tuple[Remark, ...]:
    """."""
    return ()
