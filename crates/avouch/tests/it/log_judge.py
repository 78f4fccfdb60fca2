"""Judges an issuance log by others' code: the tree by pymerkle, the signature by cryptography.

Arguments: the server's address, the log's key as it was given out, an earlier checkpoint, a receipt and
its certificate (DER). Prints how many entries there are; any fault ends it.
"""

import base64
import hashlib
import hmac
import json
import sys
import urllib.request
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from pymerkle import InmemoryTree, verify_consistency

base, key_line, earlier, receipt, certificate = sys.argv[1:]


def fetch(path):
    with urllib.request.urlopen(f"{base}/log/{path}") as answer:
        return answer.read()


def opened(note):
    """A note's size and root, if its signature holds (C2SP signed-note)."""
    name, key_id, key = key_line.split("+", 2)
    key = base64.b64decode(key)
    assert key[0] == 1 and len(key) == 33
    assert hashlib.sha256(name.encode() + b"\n" + key).digest()[:4].hex() == key_id
    body, signatures = note.split("\n\n")
    mark, signer, signature = signatures.rstrip("\n").split(" ")
    assert (mark, signer) == ("\u2014", name)
    signature = base64.b64decode(signature)
    assert signature[:4].hex() == key_id
    Ed25519PublicKey.from_public_bytes(key[1:]).verify(signature[4:], f"{body}\n".encode())
    origin, size, root = body.split("\n")
    assert origin == name
    return int(size), base64.b64decode(root)


def entries(size):
    found = []
    for tile in range(-(-size // 256)):
        width = min(256, size - tile * 256)
        partial = "" if width == 256 else f".p/{width}"
        data = fetch(f"tile/entries/{tile:03}{partial}")
        while data:
            length = int.from_bytes(data[:2], "big")
            found.append(data[2 : 2 + length])
            data = data[2 + length :]
    return found


assert fetch("key").decode().strip() == key_line
size, root = opened(fetch("checkpoint").decode())
entered = entries(size)
assert len(entered) == size
tree = InmemoryTree(algorithm="sha256")
for entry in entered:
    tree.append_entry(entry)
assert tree.get_root(size) == root, "the root"

hashes = fetch("tile/0/000" + ("" if size >= 256 else f".p/{size}"))
assert hashes == b"".join(hashlib.sha256(b"\0" + one).digest() for one in entered[:256]), "the tile"

old_size, old_root = opened(Path(earlier).read_text())
assert 0 < old_size < size, "the log grew"
assert tree.get_root(old_size) == old_root
verify_consistency(old_root, root, tree.prove_consistency(old_size, size))

receipt = json.loads(Path(receipt).read_text())
salt, index = base64.b64decode(receipt["salt"]), receipt["index"]
commitment = hmac.new(salt, Path(certificate).read_bytes(), "sha256").digest()
assert entered[index] == commitment, "the commitment"
receipt_size, receipt_root = opened(receipt["checkpoint"])
assert tree.get_root(receipt_size) == receipt_root
path = tree.prove_inclusion(index + 1, receipt_size).serialize()["path"]
# Theirs begins with the leaf itself.
assert path[1:] == [base64.b64decode(one).hex() for one in receipt["proof"]], "the proof"
print(size)
