"""A bank whose settlements are closed by one of several leg rails, to vary: as a bank file has it, in Python."""

from tests.bank.tiny import Data, rail, sweep, tiny

__all__ = ["choosing", "leg"]


def leg(name: str, role: str, direction: str, **more: object) -> Data:
    """A one-leg rail with a transfer type of its own and the key `key`."""
    return {
        "name": name,
        "transfer_type": f"type_{name.lower()}",
        "leg_role": role,
        "leg_direction": direction,
        "origin": "InternalInitiated",
        "metadata_keys": ["key"],
        **more,
    }


def choosing(*groups: tuple[str, ...], net: str = "0.00", **changes: object) -> Data:
    """The tiny bank with a Debit `Sale` from customers, closed by `Ach`, `Check`, `FeeA`, `FeeB`, `Rest` as grouped.

    What is in no group is no leg, but for the Debit and, where `changes` has `lone`, the Variable leg of that name.
    """
    lone = changes.pop("lone", None)
    rails = [
        leg("Sale", "Customer", "Debit", transfer_type="ach_outbound"),
        leg("Ach", "Fed", "Variable", max_unbundled_age="P2D"),
        leg("Check", "Held", "Variable", max_pending_age="PT4H"),
        leg("FeeA", "Fees", "Variable"),
        leg("FeeB", "Income", "Variable"),
        leg("Rest", "Fed", "Variable"),
    ]
    chosen = [name for members in groups for name in members]
    names = ["Sale", *chosen, *([lone] if lone else [])]
    template = {
        "name": "Settle",
        "transfer_type": "settle",
        "expected_net": net,
        "transfer_key": ["key"],
        "completion": "business_day_end",
        "leg_rails": names,
        "leg_rail_xor_groups": [list(members) for members in groups],
    }
    data = tiny(
        rails=[
            rail("In", "Fed", "Customer", transfer_type="ach_inbound"),
            rail("Notice", "Held", "Income"),
            sweep("Bank", "Income", "Fed", "Ach"),
            *(one for one in rails if one["name"] in names),
        ],
        transfer_templates=[template],
    )
    del data["accounts"][1]["expected_eod_balance"]
    data["accounts"].append({"id": "held", "role": "Held", "scope": "internal", "parent_role": "Ledger"})
    if "Ach" not in names:
        data["rails"] = [one for one in data["rails"] if one["name"] != "Bank"]
    return data | changes
