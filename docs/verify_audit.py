"""Verifies the audit of a site, as its host has exported it: python3 verify_audit.py audit.ndjson

Needs Python 3.8 or newer and nothing else. What is verified stands in docs/security.md, section 4.
"""

import base64
import hashlib
import json
import sys
import uuid

# Ed25519 (RFC 8032): the field, the order of the group, the curve's constant, and the base point, found by its y.
P, ORDER = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P


def point(encoded):
    number = int.from_bytes(encoded, "little")
    y, odd = number % 2**255, number >> 255
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if x * x % P != square:
        x = x * pow(2, (P - 1) // 4, P) % P
    if x * x % P != square or y >= P or (x == 0 and odd):
        raise ValueError("not a point of the curve")
    x = P - x if x % 2 != odd else x
    return x, y, 1, x * y % P


# Points are kept as (X, Y, Z, T) with x = X / Z, y = Y / Z and x * y = T / Z: adding them so needs no division.
def add(one, two):
    (x1, y1, z1, t1), (x2, y2, z2, t2) = one, two
    a, b = (y1 - x1) * (y2 - x2) % P, (y1 + x1) * (y2 + x2) % P
    c, d = 2 * D * t1 * t2 % P, 2 * z1 * z2 % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def times(number, of):
    total = 0, 1, 1, 0
    while number:
        if number & 1:
            total = add(total, of)
        of, number = add(of, of), number >> 1
    return total


def same(one, two):
    (x1, y1, z1, _), (x2, y2, z2, _) = one, two
    return (x1 * z2 - x2 * z1) % P == 0 and (y1 * z2 - y2 * z1) % P == 0


BASE = point((4 * pow(5, -1, P) % P).to_bytes(32, "little"))


def is_signed(key, message, signature):
    if len(signature) != 64:
        return False
    scalar = int.from_bytes(signature[32:], "little")
    challenge = int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), "little") % ORDER
    return scalar < ORDER and same(times(scalar, BASE), add(point(signature[:32]), times(challenge, point(key))))


def text(value):
    encoded = value.encode()
    return len(encoded).to_bytes(4, "big") + encoded


def identifier(value):
    return uuid.UUID(value).bytes


def number(value):
    return value.to_bytes(8, "big", signed=True)


def unpacked(value):
    return base64.urlsafe_b64decode(value + "=" * (-len(value) % 4))


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def verify(lines):
    lines = (json.loads(line) for line in lines)
    head = next(lines)["audit"]
    assert head["format"] == "champion-network-audit@1", "another format"
    site, keys = identifier(head["site"]), {key["kid"]: unpacked(key["publicKey"]) for key in head["keys"]}
    end, position, ends, checkpoints, counts = sha256(text("cn-audit/1 start"), site), 0, {}, [], None
    for line in lines:
        assert counts is None, "something follows the last line"
        (kind, said), = line.items()
        if kind == "entry":
            position += 1
            assert said["position"] == position, f"entry {position} is missing"
            person = said["pseudonym"]
            end = sha256(
                text("cn-audit/1 entry"), end, site, number(position), identifier(said["id"]), number(said["at"]),
                b"\1" + identifier(person) if person else b"\0",
                text(said["action"]), text(said["kind"]), identifier(said["record"]),
            )
            assert said["hash"] == end.hex(), f"entry {position} ({said['id']}) is not as it was written"
            ends[position] = end
        elif kind == "checkpoint":
            checkpoints.append(said)
            at = said["position"]
            assert ends.get(at, b"").hex() == said["hash"], f"the checkpoint at entry {at} is for other entries"
            message = text("cn-audit/1 checkpoint") + site + number(at) + ends[at] + number(said["at"])
            signed = said["kid"] in keys and is_signed(keys[said["kid"]], message, unpacked(said["signature"]))
            assert signed, f"the checkpoint at entry {at} is not signed by the site"
        elif kind == "end":
            counts = said
    assert counts == {"entries": position, "checkpoints": len(checkpoints)}, "the file is not whole"
    assert (head["position"], head["hash"]) == (position, end.hex() if position else ""), "the last entries are missing"
    return head["slug"], position, checkpoints


if __name__ == "__main__":
    try:
        with open(sys.argv[1], encoding="utf-8") as file:
            slug, entries, checkpoints = verify(file)
    except (AssertionError, ValueError, KeyError, StopIteration) as why:
        sys.exit(f"The audit does not hold: {why}")
    signed = f"signed up to entry {checkpoints[-1]['position']}" if checkpoints else "not signed yet"
    print(f"The audit of {slug} holds: {entries} entries, {signed}.")
