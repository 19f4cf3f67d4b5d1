"""Blocks as the protocol hashes them (protocol page, section 4), to make chains for tests.

A block is the dictionary that its JSON is. Nothing here is shared with the program under test.
"""

import hashlib
import struct

SUBSIDY = 100 * 10**8


def sha256(data):
    return hashlib.sha256(data).digest()


def header_bytes(header):
    return (struct.pack("<IQ", header["version"], header["height"]) + bytes(header["previous_hash"])
            + bytes(header["merkle_root"]) + struct.pack("<qQ", header["timestamp"],
                                                         header["block_reward"]))


def block_hash(block):
    return sha256(header_bytes(block["header"]))


def byte_string(data):
    return struct.pack("<Q", len(data)) + bytes(data)


def txid(tx):
    out = struct.pack("<I", tx["version"])
    out += struct.pack("<Q", len(tx["inputs"]))
    for x in tx["inputs"]:
        out += bytes(x["previous_output"]["txid"]) + struct.pack("<I", x["previous_output"]["vout"])
        out += byte_string(x["script_sig"]) + struct.pack("<I", x["sequence"])
    out += struct.pack("<Q", len(tx["outputs"]))
    for x in tx["outputs"]:
        out += struct.pack("<Q", x["value"]) + byte_string(x["script_pubkey"])
    return sha256(out + struct.pack("<Iq", tx["lock_time"], tx["timestamp"]))


def merkle_root(txids):
    if not txids:
        return bytes(32)
    level = list(txids)
    while len(level) > 1:
        if len(level) % 2:
            level.append(level[-1])
        level = [sha256(level[i] + level[i + 1]) for i in range(0, len(level), 2)]
    return level[0]


def seal(block):
    """Sets the merkle root that the transactions give."""
    block["header"]["merkle_root"] = list(merkle_root([txid(x) for x in block["transactions"]]))
    return block


def next_block(parent, payee="payee", transactions=()):
    """A valid block on that parent; another payee makes another branch."""
    header = parent["header"]
    timestamp = header["timestamp"] + 600
    coinbase = {"version": 1, "inputs": [], "lock_time": 0, "timestamp": timestamp,
                "outputs": [{"value": SUBSIDY, "script_pubkey": list(payee.encode())}]}
    return seal({
        "header": {"version": 1, "height": header["height"] + 1,
                   "previous_hash": list(block_hash(parent)), "merkle_root": [0] * 32,
                   "timestamp": timestamp, "block_reward": SUBSIDY},
        "transactions": [coinbase, *transactions],
        "masternode_rewards": [[payee, SUBSIDY]],
    })


def spend(tx, vout, outputs, lock_time=0):
    """A transaction that spends one output of `tx` into these values."""
    return {"version": 1, "lock_time": lock_time, "timestamp": tx["timestamp"],
            "inputs": [{"previous_output": {"txid": list(txid(tx)), "vout": vout},
                        "script_sig": [1, 2, 3], "sequence": 2**32 - 1}],
            "outputs": [{"value": value, "script_pubkey": list(b"somebody")} for value in outputs]}


def branch(chain, fork, count, payee):
    """The chain up to block `fork`, and `count` blocks of another branch on it, in which coins move."""
    result = list(chain[:fork + 1])
    own = []  # coinbases of the branch that are not spent yet
    for _ in range(count):
        spends = []
        if len(own) >= 3:
            tx = own.pop(0)
            spends.append(spend(tx, 0, [SUBSIDY // 2, SUBSIDY // 3]))
        result.append(next_block(result[-1], payee, spends))
        own.append(result[-1]["transactions"][0])
    return result


__all__ = [name for name in dir() if not name.startswith("_")]
