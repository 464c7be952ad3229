"""A bank that declares one of everything that the views know of, as a bank file has it."""

from seedbed.bank.model import Bank
from tests.bank.tiny import Data, bank_of, rail, sweep, tiny

# Names that end a literal early, or a JSON path, where somebody forgets to escape them.
DESK = 'O\'Hara "Desk" \\'
ODD_KEY = "a\"b.c/d~e'$\\"


def _one_leg(name: str, role: str, direction: str, **more: object) -> Data:
    return {
        "name": name,
        "transfer_type": f"type_{name.lower()}",
        "leg_role": role,
        "leg_direction": direction,
        "origin": "InternalInitiated",
        **more,
    }


def _shop_rail(name: str, source: str, destination: str, **more: object) -> Data:
    return rail(name, source, destination, metadata_keys=["shop"], **more) | {"expected_net": None}


def views_bank(**changes: object) -> Bank:
    """Customers and merchants under ledgers, every sort of rail, two templates, chains of every sort, a cap."""
    data = tiny(
        account_templates=[
            {"role": "Customer", "scope": "internal", "parent_role": "Ledger"},
            {"role": "Shop", "scope": "internal", "instance_id_template": "shop-{n}"},
        ],
        rails=[
            rail(
                "In", "Fed", "Customer", max_pending_age="P1D", metadata_keys=["ref", ODD_KEY],
                posted_requirements=["ref", ODD_KEY],
            ),
            rail("Out", "Customer", "Fed"),
            rail("Pay", "Customer", DESK, transfer_type="pay'type"),
            rail("Fee", "Customer", "Fees", max_unbundled_age="PT20H"),
            sweep("FeeSweep", "Fees", "Income", "Fee"),
            _shop_rail("Sale", "Fees", "Shop", max_unbundled_age="PT20H"),
            _shop_rail("Tip", "Income", "Shop"),
            sweep("SaleSweep", "Shop", "Income", "Cycle.Sale"),
            _one_leg("Give", "Income", "Debit", metadata_keys=["journal"]),
            _one_leg("Take", "Fees", "Credit", metadata_keys=["journal"]),
            rail("Return", "Customer", "Fed", transfer_type="return"),
            rail("PayoutA", "Shop", "Fed"),
            rail("PayoutB", "Shop", "Fed"),
            rail("Follow", "Income", "Fed"),
            rail("Either", "Income", "Fed"),
            rail("Or", "Income", "Fed"),
        ],
        transfer_templates=[
            {
                "name": "Cycle", "transfer_type": "cycle", "expected_net": "0", "transfer_key": ["shop"],
                "completion": "business_day_end", "leg_rails": ["Sale", "Tip"],
            },
            {
                "name": "Journal", "transfer_type": "journal", "expected_net": "-1.50", "transfer_key": ["journal"],
                "completion": "month_end", "leg_rails": ["Give", "Take"],
            },
        ],
        chains=[
            {"parent": "Out", "child": "Return", "required": "true"},
            {"parent": "Cycle", "child": "PayoutA", "required": "true", "xor_group": "payout"},
            {"parent": "Cycle", "child": "PayoutB", "required": "false", "xor_group": "payout"},
            {"parent": "Pay", "child": "Follow", "required": "false"},
            {"parent": "Pay", "child": "Either", "required": "false", "xor_group": "it's"},
            {"parent": "Pay", "child": "Or", "required": "false", "xor_group": "it's"},
        ],
        limit_schedules=[{"parent_role": "Ledger", "transfer_type": "pay'type", "cap": "100.00"}],
        role_business_day_offsets={"Shop": "3", "Income": "-4"},
    )  # fmt: skip
    data["accounts"].append({"id": DESK, "role": DESK, "scope": "internal"})
    return bank_of(data | changes)
