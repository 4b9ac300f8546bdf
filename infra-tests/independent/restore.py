#!/usr/bin/env python3
"""Lists and restores snapshots of a Holdfast store: an independent reader, written from shared/FORMAT.md alone.

It is the proof that the document suffices, and a last resort. It is slow and simple. The store is a directory or a vector file.
"""
import argparse, base64, hashlib, hmac, json, os, stat, struct, sys, unicodedata
from pathlib import Path

import cbor2, zstandard
from argon2.low_level import Type, hash_secret_raw
from blake3 import blake3
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from nacl.bindings import crypto_aead_xchacha20poly1305_ietf_decrypt as xchacha_open


class Refused(Exception):
    """These bytes are not what the format promises."""


def need(condition, what):
    if not condition:
        raise Refused(what)


# --- Object keys ---------------------------------------------------------------------------------------------------


class Store:
    def __init__(self, place):
        self.root = Path(place)
        self.objects = None
        if self.root.is_file():
            self.objects = {key: base64.b64decode(text) for key, text in json.loads(self.root.read_text())["input"].items()}

    def get(self, key):
        try:
            return self.objects[key] if self.objects is not None else (self.root / key).read_bytes()
        except (KeyError, FileNotFoundError):
            raise Refused(f"{key} is missing") from None

    def list(self, prefix):
        if self.objects is not None:
            return sorted(key for key in self.objects if key.startswith(prefix))
        found = (path for path in (self.root / prefix).rglob("*") if path.is_file())
        return sorted(path.relative_to(self.root).as_posix() for path in found)


def fanned(prefix, name):
    return f"{prefix}/{name.hex()[:2]}/{name.hex()}"


# --- Conventions ---------------------------------------------------------------------------------------------------


def sha256(data):
    return hashlib.sha256(data).digest()


def hkdf(ikm, info):
    key = hmac.digest(bytes(32), ikm, "sha256")
    return hmac.digest(key, info.encode() + b"\x01", "sha256")


def opened(key, nonce, aad, sealed):
    try:
        return xchacha_open(sealed, aad, nonce, key)
    except Exception:
        raise Refused("sealed bytes do not authenticate") from None


def cbor(data):
    try:
        value = cbor2.loads(data)
        same = cbor2.dumps(value, canonical=True) == bytes(data)
    except Exception:
        raise Refused("not CBOR") from None
    need(same and isinstance(value, dict), "not a canonical CBOR map")
    return value


def zstd(frame, length):
    decoder = zstandard.ZstdDecompressor(max_window_size=8 << 20).decompressobj()
    need(zstandard.frame_content_size(frame) == length, "zstd frame of another length")
    plain = decoder.decompress(frame)
    need(decoder.eof and not decoder.unused_data and len(plain) == length, "not one zstd frame")
    return plain


def padme(length):
    if length < 2:
        return length
    exponent = length.bit_length() - 1
    step = 1 << max(0, exponent - exponent.bit_length())
    return -(-length // step) * step


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, length):
        need(self.at + length <= len(self.data), "ends early")
        self.at += length
        return bytes(self.data[self.at - length : self.at])

    def varint(self):
        value = shift = 0
        while True:
            byte = self.take(1)[0]
            value |= (byte & 127) << shift
            shift += 7
            need(value < 1 << 53, "integer above 2^53")
            if byte < 128:
                need(byte or shift == 7, "integer not in its shortest form")
                return value

    def signed(self):
        value = self.varint()
        return -(value + 1) // 2 if value & 1 else value // 2

    def text(self):
        return self.take(self.varint())

    def front_coded(self, before):
        shared = self.varint()
        need(shared <= len(before), "shares more than there is")
        return before[:shared] + self.take(self.varint())

    def end(self):
        need(self.at == len(self.data), "bytes too many")


def frame(data, letters, head=False):
    need(data[:8] == b"HOLDFAST" and data[8:12] == letters, "not this kind of object")
    version, reserved, length = struct.unpack_from("<HHI", data, 12)
    need(version == 1, "another version")
    need(reserved == 0 and (len(data) == length + 52 or head and len(data) >= length + 52), "wrong length")
    need(sha256(data[: 20 + length]) == data[20 + length : 52 + length], "wrong checksum")
    return data[20 : 20 + length]


def signed_map(payload, context):
    body, signature = payload[:-64], payload[-64:]
    value = cbor(body)
    try:
        Ed25519PublicKey.from_public_bytes(value["author"]).verify(signature, context.encode() + b"\0" + body)
    except Exception:
        raise Refused("wrong signature") from None
    return value


# --- Keys ----------------------------------------------------------------------------------------------------------


def labeled_extract(suite, salt, label, ikm):
    return hmac.digest(salt or bytes(32), b"HPKE-v1" + suite + label + ikm, "sha256")


def labeled_expand(suite, key, label, info, length):
    return hmac.digest(key, struct.pack(">H", length) + b"HPKE-v1" + suite + label + info + b"\x01", "sha256")[:length]


class Keys:
    KEM, HPKE = b"KEM\x00\x20", b"HPKE\x00\x20\x00\x01\x00\x03"

    def __init__(self, master):
        self.id, self.index = hkdf(master, "holdfast/v1/id"), hkdf(master, "holdfast/v1/index")
        self.node = hkdf(self.id, "holdfast/v1/node")
        seed = labeled_extract(self.KEM, b"", b"dkp_prk", hkdf(master, "holdfast/v1/hpke"))
        self.private = X25519PrivateKey.from_private_bytes(labeled_expand(self.KEM, seed, b"sk", b"", 32))
        self.public = self.private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)

    def session(self, store_id, session_id, envelope):
        enc, sealed = envelope[:32], envelope[32:]
        info = b"holdfast/v1/session\0" + store_id + session_id
        dh = self.private.exchange(X25519PublicKey.from_public_bytes(enc))
        prk = labeled_extract(self.KEM, b"", b"eae_prk", dh)
        shared = labeled_expand(self.KEM, prk, b"shared_secret", enc + self.public, 32)
        context = b"\0" + labeled_extract(self.HPKE, b"", b"psk_id_hash", b"") + labeled_extract(self.HPKE, b"", b"info_hash", info)
        secret = labeled_extract(self.HPKE, shared, b"secret", b"")
        key = labeled_expand(self.HPKE, secret, b"key", context, 32)
        nonce = labeled_expand(self.HPKE, secret, b"base_nonce", context, 12)
        try:
            return ChaCha20Poly1305(key).decrypt(nonce, sealed, b"")
        except Exception:
            raise Refused("session envelope does not open") from None


def recovery_secret(text):
    letters = "".join(text.split()).replace("-", "").upper().translate(str.maketrans("OIL", "011"))
    if len(letters) != 60 or set(letters) - set("0123456789ABCDEFGHJKMNPQRSTVWXYZ"):
        return None
    bits = 0
    for letter in letters:
        bits = bits << 5 | "0123456789ABCDEFGHJKMNPQRSTVWXYZ".index(letter)
    data = (bits >> 4).to_bytes(37, "big")
    return data[1:33] if data[0] == 1 and bits & 15 == 0 and sha256(data[:33])[:4] == data[33:] else None


def master_secret(store, config, config_bytes, given):
    if config["secrecy"] == "public":
        return hkdf(sha256(config["storeId"]), "holdfast/v1/public-master")
    secret = recovery_secret(given)
    for key in store.list("keys/"):
        slot = cbor(frame(store.get(key), b"SLOT"))
        if slot["storeId"] != config["storeId"]:
            continue
        how = slot["derivation"]
        if how["kind"] == "argon2id" and secret is None:
            phrase = unicodedata.normalize("NFC", given).encode()
            cost = how["passes"], how["memoryKiB"], how["parallelism"]
            slot_key = hash_secret_raw(phrase, how["salt"], *cost, 32, Type.ID, 0x13)
        elif how["kind"] == "hkdf-sha256" and secret is not None:
            slot_key = hkdf(secret + how["salt"], "holdfast/v1/slot")
        else:
            continue
        sealed = slot.pop("sealedBundle")
        aad = cbor2.dumps({**slot, "context": "holdfast/v1/key-slot", "config": sha256(config_bytes)}, canonical=True)
        try:
            bundle = cbor(opened(slot_key, slot["nonce"], aad, sealed))
        except Refused:
            continue
        if bundle["role"] == "owner":
            return bundle["masterSecret"]
    raise Refused("the secret opens no owner's key slot")


# --- Packs and states ----------------------------------------------------------------------------------------------

KINDS = {"data": 1, "meta": 2}


def table_rows(table):
    need(len(table) % 56 == 0, "half a row")
    return list(struct.iter_unpack("<24s16sIIII", table))


class Repository:
    def __init__(self, store, given, from_packs=False):
        self.store = store
        config_bytes = store.get("config")
        config = cbor(frame(config_bytes, b"CONF"))
        self.id = config["storeId"]
        self.keys = Keys(master_secret(store, config, config_bytes, given))
        need(self.keys.public == config["publicKey"], "another public key than follows from the master secret")
        self.sessions, self.places, self.tables, self.heads, self.cache = {}, {}, {}, {}, {}
        self.published = self.fold()
        if from_packs:
            for key in store.list("packs/"):
                if bytes.fromhex(key[-64:]) not in self.swept:
                    self.read_pack(key, store.get(key))
        for state_id, event in self.published.items():
            self.read_state(state_id, event, from_packs)

    def fold(self):
        published, before = {}, bytes(32)
        self.condemned, self.swept, self.swept_states, self.moved, self.placed = set(), set(), set(), {}, {}
        for number, key in enumerate(self.store.list("log/"), 1):
            need(key == f"log/{number:020d}", f"log entry {number} is missing")
            data = self.store.get(key)
            entry = signed_map(frame(data, b"LOGE"), "holdfast/v1/log-entry")
            need(entry["storeId"] == self.id and entry["seq"] == number and entry["prev"] == before, "the log is broken")
            need(entry["events"], "an entry without an event")
            before = sha256(data)
            for event in entry["events"]:
                self.apply(event, published, number)
        return published

    def apply(self, event, published, number):
        """One event, by the fold-time rules."""
        kind, packs = event["type"], event.get("packs", event.get("revive", []))
        need(len(set(packs)) == len(packs), "a pack is named twice")
        if kind == "commit":
            need(event["state"] not in published and event["state"] not in self.swept_states, "a state is published twice")
            need(event["commit"] not in {each["commit"] for each in published.values()}, "a commit id is there already")
            need(event["headBytes"] <= event["stateBytes"], "a head longer than its state")
            published[event["state"]] = {**event, "removed": False}
        elif kind in ("remove", "undelete"):
            for name in event["snapshots"]:
                need(name in published, "no such snapshot")
                need(published[name]["removed"] == (kind == "undelete"), "removed twice, or not at all")
                published[name]["removed"] = kind == "remove"
        elif kind == "condemn":
            need(packs and not self.condemned.union(self.swept).intersection(packs), "condemned twice, or after the sweep")
            self.condemned.update(packs)
        elif kind == "sweep":
            need(packs or event["states"], "a sweep of nothing")
            need(self.condemned.issuperset(packs), "swept, and not condemned")
            self.condemned.difference_update(packs)
            self.swept.update(packs)
            for pack in packs:
                self.placed.pop(pack, None)
            for name in event["states"]:
                need(name not in self.swept_states and published.get(name, {"removed": True})["removed"], "a state that is there was swept")
                self.swept_states.add(name)
                published.pop(name, None)
        elif kind == "relocate":
            self.relocate(event["from"], event["to"])
        elif kind == "checkpoint":
            need(event["seq"] < number, "a checkpoint of what is still to come")
        else:
            need(kind in ("revive", "settings"), "unknown event")
        if kind in ("commit", "undelete", "revive"):
            need(self.condemned.issuperset(packs), "revived, and not condemned")
            self.condemned.difference_update(packs)

    def relocate(self, old, new):
        gone = self.condemned | self.swept | self.moved.keys()
        names = [each["pack"] for each in old] + [each["id"] for each in new]
        need(old and new and len(set(names)) == len(names), "a pack stands in a relocation twice")
        need(not gone.intersection(names) and not self.placed.keys() & {each["id"] for each in new}, "relocated from or to where it must not")
        marked = [(each["pack"], bit) for each in old for bit in range(len(each["segments"]) * 8) if each["segments"][bit >> 3] >> (bit & 7) & 1]
        rows = [(each["id"], row) for each in new for row in range(len(each["table"]) // 56)]
        need(len(marked) == len(rows), "another number of rows came than left")
        for each in old:
            self.moved[each["pack"]] = {}
        for (pack, row), target in zip(marked, rows):
            self.moved[pack][row] = target
        for each in new:
            self.placed[each["id"]] = table_rows(each["table"])

    def resolve(self, pack, row):
        """Where a row of a pack is read now."""
        while row in self.moved.get(pack, ()):
            pack, row = self.moved[pack][row]
        return pack, row

    def add_session(self, name, envelope):
        self.sessions.setdefault(name, self.keys.session(self.id, name, envelope))

    def read_state(self, state_id, event, from_packs):
        data = self.store.get(fanned("states", state_id))
        head, section = data[: event["headBytes"]], data[event["headBytes"] :]
        need(sha256(head) == state_id and len(data) == event["stateBytes"], "not this state")
        state = signed_map(frame(head, b"STAT"), "holdfast/v1/state")
        need(state["storeId"] == self.id, "a state of another store")
        need(len(section) == state["indexBytes"] and sha256(section) == state["indexSha256"], "another index section")
        self.heads[state_id] = state
        if from_packs:
            return
        for session in state["sessions"]:
            self.add_session(session["id"], session["envelope"])
        self.tables.update((pack["id"], table_rows(pack["table"])) for pack in state["packs"])
        segments = [(pack["id"], pack["kind"], row) for pack in state["packs"] for row in range(len(pack["table"]) // 56)]
        if not section:
            return
        aad = b"holdfast/v1/index\0" + self.id + sha256(b"".join(pack["id"] for pack in state["packs"]))
        content = opened(self.keys.index, section[:24], aad, section[24:])
        version, codec, reserved, count = struct.unpack_from("<BBHI", content)
        need(version == 1 and codec < 2 and reserved == 0, "unknown index section")
        columns = content[8 + count * 20 :]
        columns = zstd(columns, count * 12) if codec else columns
        need(len(columns) == count * 12, "columns of another length")
        numbers = struct.unpack(f"<{count * 3}I", columns)
        for row in range(count):
            prefix = content[8 + row * 20 : 28 + row * 20]
            self.places.setdefault(prefix, []).append((*segments[numbers[row]], numbers[count + row], numbers[2 * count + row]))

    def read_pack(self, key, data):
        need(key == fanned("packs", sha256(data)), f"{key} is damaged")
        need(data[:12] == b"HOLDFASTPACK" and data[12:14] == b"\x01\0" and data[15] == 0, "not a pack of this version")
        kind = {1: "data", 2: "meta"}[data[14]]
        directories, table_at, count, checksum, end = struct.unpack("<III32s4s", data[-48:])
        need(end == b"KCAP" and table_at + count * 56 + 48 == len(data) and data[16:32] == self.id, "wrong trailer")
        rows = table_rows(data[table_at:-48])
        sessions_at = table_at - 96 * len(dict.fromkeys(row[1] for row in rows))
        need(sha256(data[:48] + data[sessions_at:-36]) == checksum, "wrong checksum")
        for at in range(sessions_at, table_at, 96):
            self.add_session(data[at : at + 16], data[at + 16 : at + 96])
        self.tables[sha256(data)] = rows
        for number, row in enumerate(rows):
            aad = b"holdfast/v1/segment\0" + self.id + bytes([2, KINDS[kind]]) + row[0]
            content = opened(self.keys.index, row[0], aad, data[row[4] : row[4] + row[5]])
            version, blobs = struct.unpack_from("<B3xI", content)
            need(version == 1 and len(content) == padme(8 + blobs * 36), "wrong directory")
            offset = 0
            for blob_id, length in struct.iter_unpack("<32sI", content[8 : 8 + blobs * 36]):
                self.places.setdefault(blob_id[:20], []).append((sha256(data), kind, number, offset, length))
                offset += length

    def segment(self, pack_id, kind, row):
        if row[0] not in self.cache:
            data = self.store.get(fanned("packs", pack_id))[row[2] : row[2] + row[3]]
            aad = b"holdfast/v1/segment\0" + self.id + bytes([1, KINDS[kind]]) + row[0]
            content = opened(self.sessions[row[1]], row[0], aad, data)
            version, codec, reserved, plain_bytes, stored = struct.unpack_from("<BBHII", content)
            need(version == 1 and codec < 2 and reserved == 0 and len(content) == padme(12 + stored), "wrong segment")
            need(not any(content[12 + stored :]), "padding is not zero")
            plain = zstd(content[12 : 12 + stored], plain_bytes) if codec else content[12 : 12 + stored]
            need(len(plain) == plain_bytes, "wrong segment")
            if len(self.cache) > 64:
                self.cache.clear()
            self.cache[row[0]] = plain
        return self.cache[row[0]]

    def blob(self, blob_id, key):
        copies = [(*self.resolve(pack, row), kind, *span) for pack, kind, row, *span in self.places.get(blob_id[:20], [])]
        copies = [each for each in copies if each[0] not in self.swept]
        need(copies, f"no state tells of blob {blob_id.hex()}, or all its copies were swept")
        pack, number, kind, offset, length = min(reversed(copies), key=lambda each: each[0] in self.condemned)
        row = self.placed[pack][number] if pack in self.placed else self.tables[pack][number]
        data = self.segment(pack, kind, row)[offset : offset + length]
        need(blake3(data, key=key).digest() == blob_id, f"blob {blob_id.hex()} is damaged")
        return data

    def snapshot(self, state_id):
        state = self.heads[state_id]
        aad = b"holdfast/v1/snapshot\0" + self.id + state["commitId"]
        sealed = state["sealedSnapshot"]
        header = cbor(opened(self.sessions[state["snapshotSession"]], sealed[:24], aad, sealed[24:]))
        need(header["version"] in (1, 3), "another version")
        for source in header["sources"]:
            need(("parents" in source) == (header["version"] == 3), "parents in another version")
            source["parents"] = self.parents(source)
        return header

    def parents(self, source):
        """The directories that lead to a root, "/" first, as [(path, entry)]; none where nothing is known of them."""
        if source.get("parents") is None:
            return []
        reader = Reader(source["parents"])
        need(reader.take(1) == b"\x01" and reader.take(1) == b"\0", "no leaf")
        entries = list(self.leaf(reader, reader.varint()))
        reader.end()
        names = source["root"].split(b"/")[1:-1]
        way = [(b"", b"")] + [(b"/".join(names[:depth]), name) for depth, name in enumerate(names)]
        need(source["root"] != b"/" and [(each["dir"], each["name"], each["kind"]) for each in entries] == [(*key, 1) for key in way], "not the way to the root")
        return [(b"/".join(part for part in key if part), entry) for key, entry in zip(way, entries)]

    # --- Trees -----------------------------------------------------------------------------------------------------

    def entries(self, node_id, level):
        reader = Reader(self.blob(node_id, self.keys.node))
        need(reader.take(1) == b"\x01" and reader.take(1)[0] == level, "another version or level")
        count = reader.varint()
        need(count > 0, "an empty node")
        if level == 0:
            yield from self.leaf(reader, count)
            reader.end()
            return
        children, last_dir = [], b""
        for _ in range(count):
            child = reader.take(32)
            last_dir = reader.front_coded(last_dir)
            reader.text(), reader.varint(), reader.varint()
            children.append(child)
        reader.end()
        for child in children:
            yield from self.entries(child, level - 1)

    def leaf(self, reader, count):
        last = dict(dir=b"", name=b"", device=0, mtime=0, ctime=0, hi=0, lo=0)
        owners = {}
        for _ in range(count):
            kind, fields = reader.take(1)[0], reader.varint()
            need(1 <= kind <= 7 and fields < 1 << 14, "unknown type or fields")
            has = lambda bit: fields >> bit & 1
            entry = dict(kind=kind, nlink=1, target=None, xattrs=[], rdev=(0, 0), flags=0, size=0, extents=None, chunks=[], error=None)
            entry["dir"] = reader.front_coded(last["dir"]) if has(0) else last["dir"]
            entry["name"] = reader.front_coded(b"" if has(0) else last["name"])
            if has(1):
                owners[kind] = reader.varint(), reader.varint(), reader.varint()
            entry["mode"], entry["uid"], entry["gid"] = owners[kind]
            entry["device"] = reader.varint() if has(2) else last["device"]
            entry["nlink"] = reader.varint() if has(3) else 1
            entry["mtime"] = last["mtime"] + reader.signed()
            entry["mtimeNsec"] = reader.varint()
            entry["ctime"] = last["ctime"] + reader.signed()
            reader.varint()
            if has(4):
                reader.signed(), reader.varint()
            entry["hi"], entry["lo"] = last["hi"] + reader.signed(), last["lo"] + reader.signed()
            if has(6):
                entry["rdev"] = reader.varint(), reader.varint()
            if has(7):
                entry["flags"] = reader.varint()
            if has(8):
                entry["target"] = reader.text()
            if has(9):
                entry["xattrs"] = [(reader.text(), reader.text()) for _ in range(reader.varint())]
            if kind == 2:
                self.content(reader, entry, has(10), has(11))
            entry["changed"] = bool(has(12))
            if has(13):
                entry["error"] = reader.text()
            self.check_name(entry)
            key = entry["dir"].replace(b"/", b"\0"), entry["name"]
            need(last.get("key", (b"", b"")) < key or "key" not in last, "entries out of order")
            last = {**entry, "key": key}
            yield entry

    def content(self, reader, entry, sparse, lists):
        entry["size"] = reader.varint()
        length = entry["size"]
        if sparse:
            entry["extents"], at = [], 0
            for _ in range(reader.varint()):
                at += reader.varint()
                entry["extents"].append((at, reader.varint()))
                at += entry["extents"][-1][1]
            need(at <= length, "a data range beyond the end")
            length = sum(each for _, each in entry["extents"])
        count = reader.varint()
        if lists:
            for _ in range(count):
                blob_id, _bytes = struct.unpack("<32sQ", reader.take(40))
                listed = self.blob(blob_id, self.keys.node)
                need(listed[:4] == b"\x01\0\0\0" and len(listed) == 8 + 36 * int.from_bytes(listed[4:8], "little"), "wrong chunk list")
                entry["chunks"] += struct.iter_unpack("<32sI", listed[8:])
        elif count == 1:
            entry["chunks"] = [(reader.take(32), length)]
        else:
            entry["chunks"] = list(struct.iter_unpack("<32sI", reader.take(count * 36)))
        need(sum(each for _, each in entry["chunks"]) == length, "chunks of another length")

    @staticmethod
    def check_name(entry):
        parts = entry["dir"].split(b"/") if entry["dir"] else []
        parts += [entry["name"]] if entry["name"] or entry["dir"] else []
        for part in parts:
            need(part not in (b"", b".", b"..") and b"\0" not in part and b"/" not in part, "a name that is not allowed")

    def parts(self, entry):
        """The content in pieces: offset in the file and bytes."""
        ranges = [list(each) for each in (entry["extents"] if entry["extents"] is not None else [(0, entry["size"])])]
        for blob_id, length in entry["chunks"]:
            data = self.blob(blob_id, self.keys.id)
            need(len(data) == length, "a chunk of another length")
            while data:
                offset, left = ranges[0]
                piece, data = data[:left], data[left:]
                yield offset, piece
                ranges[0] = [offset + len(piece), left - len(piece)]
                if left == len(piece):
                    ranges.pop(0)


# --- Restoring -----------------------------------------------------------------------------------------------------


def restore(repository, header, target):
    made, directories, links = {}, [], {}
    os.makedirs(os.fsencode(target), exist_ok=True)
    for source in header["sources"]:
        root = source["root"].strip(b"/")
        base = os.path.join(os.fsencode(target), root) if root else os.fsencode(target)
        for path, entry in source["parents"]:
            above = os.path.join(os.fsencode(target), path)
            if path and not os.path.lexists(above):
                os.mkdir(above)
                directories.append((above, entry))
        os.makedirs(os.path.dirname(base) or b".", exist_ok=True)
        for entry in repository.entries(source["tree"]["nodeId"], source["tree"]["level"]):
            path = os.path.join(base, *[part for part in (entry["dir"], entry["name"]) if part])
            parent = os.path.dirname(path)
            need(entry["name"] == b"" or made.get(parent), "an entry whose directory is none")
            inode = entry["device"], entry["hi"], entry["lo"]
            if entry["error"] is not None:
                print(f"not in the snapshot: {path!r}: {entry['error'].decode('latin-1')}", file=sys.stderr)
                continue
            if entry["kind"] == 1:
                os.makedirs(path, exist_ok=entry["name"] == b"")
                made[path] = True
                directories.append((path, entry))
                continue
            if entry["nlink"] > 1 and inode in links:
                os.link(links[inode], path, follow_symlinks=False)
                continue
            make(repository, path, entry)
            links.setdefault(inode, path)
            attributes(path, entry)
    for path, entry in reversed(directories):
        attributes(path, entry)


def make(repository, path, entry):
    kind = entry["kind"]
    if kind == 2:
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(fd, "wb") as file:
            file.truncate(entry["size"])
            for offset, data in repository.parts(entry):
                file.seek(offset)
                file.write(data)
    elif kind == 3:
        os.symlink(entry["target"], path)
    else:
        modes = {4: stat.S_IFIFO, 5: stat.S_IFSOCK, 6: stat.S_IFCHR, 7: stat.S_IFBLK}
        os.mknod(path, modes[kind] | 0o600, os.makedev(*entry["rdev"]))


def attributes(path, entry):
    if os.geteuid() == 0:
        os.chown(path, entry["uid"], entry["gid"], follow_symlinks=False)
    if entry["kind"] != 3:
        os.chmod(path, entry["mode"])
    for name, value in entry["xattrs"]:
        try:
            os.setxattr(path, name, value, follow_symlinks=False)
        except OSError as error:
            print(f"attribute {name!r} of {path!r}: {error.strerror}", file=sys.stderr)
    ns = entry["mtime"] * 10**9 + entry["mtimeNsec"]
    os.utime(path, ns=(ns, ns), follow_symlinks=False)


def described(repository, source, entry):
    """An entry as the value of a store vector has it."""
    types = ["", "directory", "file", "symlink", "fifo", "socket", "characterDevice", "blockDevice"]
    path = b"/".join([source["root"].rstrip(b"/"), *[part for part in (entry["dir"], entry["name"]) if part]])
    out = {"path": path.hex(), "type": types[entry["kind"]], "mode": f"{entry['mode']:04o}", "owner": f"{entry['uid']}:{entry['gid']}"}
    out |= {"mtime": f"{entry['mtime']}+{entry['mtimeNsec']}", "size": entry["size"]}
    if entry["kind"] == 2 and entry["error"] is None:
        whole = bytearray(entry["size"])
        for offset, data in repository.parts(entry):
            whole[offset : offset + len(data)] = data
        out["sha256"] = sha256(whole).hex()
    out |= {"target": entry["target"].hex()} if entry["target"] is not None else {}
    out |= {"device": f"{entry['rdev'][0]}:{entry['rdev'][1]}"} if entry["rdev"][0] else {}
    out |= {"xattrs": [[name.hex(), value.hex()] for name, value in entry["xattrs"]]} if entry["xattrs"] else {}
    out |= {"flags": entry["flags"]} if entry["flags"] else {}
    out |= {"inode": f"{entry['device']}:{entry['hi']}:{entry['lo']}"} if entry["nlink"] != 1 else {}
    out |= {"changed": True} if entry["changed"] else {}
    return out | ({"error": entry["error"].decode("latin-1")} if entry["error"] is not None else {})


def main():
    parser = argparse.ArgumentParser(description=__doc__, epilog="HOLDFAST_PASSPHRASE has the passphrase or the recovery key.")
    parser.add_argument("command", choices=["list", "describe", "restore"])
    parser.add_argument("store", help="a directory, or a vector file")
    parser.add_argument("snapshot", nargs="?", default="", help="the beginning of an id; the newest if none is given")
    parser.add_argument("target", nargs="?", help="directory to restore into")
    parser.add_argument("--from-packs", action="store_true", help="take keys and index from the packs, not from the states")
    given = parser.parse_args()
    repository = Repository(Store(given.store), os.environ.get("HOLDFAST_PASSPHRASE", ""), given.from_packs)
    if given.command == "list":
        for state_id, event in repository.published.items():
            header = repository.snapshot(state_id)
            roots = b" ".join(source["root"] for source in header["sources"]).decode("utf-8", "replace")
            print(state_id.hex(), header["timeMs"], header["host"], roots, "removed" if event["removed"] else "")
        return
    fitting = [name for name, event in repository.published.items() if name.hex().startswith(given.snapshot) and (given.snapshot or not event["removed"])]
    need(fitting and (not given.snapshot or len(fitting) == 1), "no snapshot of that id, or several")
    header = repository.snapshot(fitting[-1])
    if given.command == "restore":
        need(given.target, "no target")
        restore(repository, header, given.target)
        return
    for source in header["sources"]:
        for entry in repository.entries(source["tree"]["nodeId"], source["tree"]["level"]):
            print(json.dumps(described(repository, source, entry)))


if __name__ == "__main__":
    try:
        main()
    except Refused as problem:
        sys.exit(f"refused: {problem}")
