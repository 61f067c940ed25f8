"""Bytes to blocks and structures: sections 2 to 6 of docs/format.md. It judges nothing."""
import os, re
from bisect import bisect_left
from collections import namedtuple
from struct import error as StructError, unpack_from
from zlib import crc32

LINK, DATA, MAP, PART, SNAPSHOT_END, GAP, SYNC, CLEAN, SEAL = range(1, 10)
TYPES = 'LINK DATA MAP SNAPSHOT_PART SNAPSHOT_END GAP SYNC CLEAN SEAL'.split()
END, SPARSE, COMPRESSED, COPIED = 1, 2, 4, 8
FLAGS = {DATA: 15, PART: END | COMPRESSED, GAP: END | COPIED}
MESSAGE, CONTROL, BATCH, FIELD = 1, 2, 3, 4
PAGE, KIB, SAFE = 4096, 1024, 1 << 53
u32 = lambda raw, at: unpack_from('<I', raw, at)[0]
u64 = lambda raw, at: unpack_from('<Q', raw, at)[0]

Header = namedtuple('Header', 'magic format compatible read_only incompatible store number generation '
                    'salt seed block_bytes size created')
Block = namedtuple('Block', 'at end d group type flags first_id next_id time records')
Record = namedtuple('Record', 'kind body id time')
Entry = namedtuple('Entry', 'number generation salt seed size cut flags base first_id end_id highest')
Link = namedtuple('Link', 'epoch mode in_flight base before_number before_generation cut next_id '
                  'snapshots entries')
Index = namedtuple('Index', 'magic format length store sequence epoch number generation salt seed d '
                   'next_id time newest before entries parts')


class NewerFormat(Exception):
    pass


# Section 2: the header of a segment.

def read_header(raw):
    """One copy of 512 bytes: None where it is not valid."""
    if len(raw) < 512 or raw[:8] != b'qlogseg\0' or crc32(raw[:508]) != u32(raw, 508):
        return None
    header = Header(*unpack_from('<8s4I16sQ4I2Q', raw))
    if header.format != 1 or header.incompatible != 0:
        raise NewerFormat(f'format {header.format}, features {header.incompatible:#x}')
    valid = (not any(raw[80:508]) and header.size % PAGE == 0 and 4 * PAGE <= header.size < 1 << 32
             and header.block_bytes % 8 == 0 and header.block_bytes >= 48
             and header.number >= 1 and header.salt != 0)
    return header if valid else None


# Sections 3 and 4: blocks, payloads, records.

def read_block(data, header, at):
    """The valid block at `at`, else the number of the first condition that fails."""
    size = min(len(data), header.size)
    if at % 8 or at < PAGE or at + 48 > size: return 1
    magic, crc, length, own, d, group, kind, flags, count, zero, first_id, time = \
        unpack_from('<6I2BHI2Q', data, at)
    if magic != header.salt: return 2
    if own != at: return 3
    if length % 8 or length < 48 or at + length > size: return 4
    if group % 8 or not PAGE <= group <= at: return 5
    if d % 8 or not PAGE <= d <= group: return 6
    if not LINK <= kind <= SEAL or flags & ~FLAGS.get(kind, END): return 7
    if zero: return 8
    if crc32(data[at + 8:at + length], header.seed) != crc: return 9
    if not 1 <= first_id < SAFE or time >= SAFE: return 10
    payload = data[at + 48:at + length]
    if count > len(payload): return 11
    try:
        if flags & COMPRESSED:
            payload = packed(payload, count)
    except ValueError: return 11
    try:
        if flags & COMPRESSED: payload = unpack_lz4(*payload)
        records = read_records(payload, kind, flags, count, first_id, time)
    except (ValueError, IndexError, StructError): return 12 if flags & COMPRESSED else 11
    ids = [record.id for record in records if record.id]
    return Block(at, at + length, d, group, kind, flags, first_id, ids[-1] + 1 if ids else first_id,
                 time, records)


def packed(payload, count):
    """What condition 11 asks of a packed payload: its compressed bytes and the unpacked length."""
    if len(payload) < 8: raise ValueError
    size, length = u32(payload, 0), u32(payload, 4)
    if (8 + length > len(payload) or any(payload[8 + length:]) or size > 255 * length
            or size > 64 * KIB * KIB or size < 4 * count
            or count != 1 and (size > 64 * KIB or len(payload) + 48 > 16 * KIB)):
        raise ValueError
    return payload[8:8 + length], size


def unpack_lz4(packed, size):
    out, at = bytearray(), 0

    def length(nibble, at):
        while nibble >= 15 and packed[at] == 255: nibble, at = nibble + 255, at + 1
        return (nibble + packed[at], at + 1) if nibble >= 15 else (nibble, at)

    while True:
        token = packed[at]
        literals, at = length(token >> 4, at + 1)
        out += packed[at:at + literals]
        at += literals
        if at >= len(packed): break
        offset = packed[at] | packed[at + 1] << 8
        match, at = length(token & 15, at + 2)
        if not 0 < offset <= len(out) or len(out) + match + 4 > size: raise ValueError
        chunk = bytes(out[-offset:])
        out += (chunk * ((match + 4) // offset + 1))[:match + 4]
    if at != len(packed) or len(out) != size: raise ValueError
    return bytes(out)


def read_records(payload, kind, flags, count, first_id, time):
    at = 8 if flags & COPIED else 0
    table = None
    if flags & SPARSE:
        table = [(u64(payload, at + 16 * i), u64(payload, at + 16 * i + 8)) for i in range(count)]
        at += 16 * count
        ids = [id for id, _ in table]
        if ids[:1] != [first_id] or sorted(set(ids)) != ids or max(max(t) for t in table) >= SAFE:
            raise ValueError
    allowed = {DATA: (MESSAGE,) if table else (MESSAGE, CONTROL, BATCH)}.get(kind, (FIELD,))
    if kind in (SYNC, CLEAN) and count or kind in (DATA, GAP) and not count: raise ValueError
    if kind not in (DATA, GAP, SYNC, CLEAN) and count != 1: raise ValueError
    records, id = [], first_id
    for i in range(count):
        if at + 4 > len(payload): raise ValueError
        word = u32(payload, at)
        kind_of_record, length = word >> 28, word & 0xFFFFFFF
        body = payload[at + 4:at + 4 + length]
        at += 4 + length
        if at > len(payload) or kind_of_record not in allowed: raise ValueError
        if kind_of_record == BATCH and length != 16: raise ValueError
        is_message = kind_of_record == MESSAGE
        record_id, record_time = table[i] if table else (id if is_message else None, time)
        id += is_message
        records.append(Record(kind_of_record, body, record_id, record_time))
    if any(payload[at:]) or flags & COMPRESSED and at != len(payload): raise ValueError
    return records


# Section 5 and 6: structures.

def read_entries(raw, at, count):
    """The segment map: number to entry."""
    return {entry.number: entry for entry in
            (Entry(*unpack_from('<Q6I4Q', raw, at + 64 * i)) for i in range(count))}


def read_link(raw):
    epoch, _, _, mode, in_flight, base, number, generation, cut, next_id, newest, before, count, _ = \
        unpack_from('<Q16sQ2I2Q2I3Q2I', raw)
    return Link(epoch, mode, in_flight, base, number, generation, cut, next_id, (newest, before),
                read_entries(raw, 96, count))


def read_map(raw):
    """What a MAP says: the LSNs of two snapshots, and the segment map."""
    _, newest, before, count, _ = unpack_from('<3Q2I', raw)
    return (newest, before), read_entries(raw, 32, count)


def read_index(raw):
    """None where the file is damaged, malformed or of another format."""
    try: return read_fields(raw)
    except (ValueError, StructError): return None


def read_fields(raw):
    if len(raw) < 116 or raw[:8] != b'qlogidx\0' or crc32(raw[:-4]) != u32(raw, len(raw) - 4): return None
    head = unpack_from('<8s2I16s3Q4I4Q2I', raw)
    if head[1] != 1 or head[2] != len(raw): return None
    entries, parts, at = read_entries(raw, 112, head[-2]), {}, 112 + 64 * head[-2]
    for _ in range(head[-1]):
        lsn, name, length = unpack_from('<Q2I', raw, at)
        at += 16 + name + length
        parts[raw[at - name - length:at - length].decode()] = (lsn, raw[at - length:at])
    return Index(*head[:-2], entries, parts) if at == len(raw) - 4 else None


class Segment:
    """A file, all its valid blocks in order, and where none is valid."""

    def __init__(self, path):
        self.name = os.path.basename(path)
        name = re.fullmatch(r'(\d{20})-(\d{2,})\.qls', self.name)
        self.number, self.generation = (int(part) for part in name.groups()) if name else (0, 0)
        with open(path, 'rb') as file: self.data = file.read()
        copies = [read_header(self.data[:512]), read_header(self.data[3584:PAGE])]
        whole = [copy for copy in copies if copy]
        self.header = whole[0] if len(set(whole)) == 1 else None
        self.is_header_clean = len(whole) == 2 and not any(self.data[512:3584])
        self.blocks, self.link, self.is_mapped = [], None, False
        if self.header: self.scan()

    @property
    def is_short(self):
        return len(self.data) < self.header.size

    def scan(self):
        at = PAGE
        while at is not None:
            block = read_block(self.data, self.header, at)
            if isinstance(block, Block):
                self.blocks.append(block)
                at = block.end
            else:
                at = self.magic_behind(at)
        links = [block for block in self.blocks if block.type == LINK]
        if links: self.link = read_link(links[0].records[0].body)
        self.starts = [block.at for block in self.blocks]
        self.by_start = dict(zip(self.starts, self.blocks))

    def magic_behind(self, at):
        """The next place behind `at` that looks like the header of a block."""
        magic = self.header.salt.to_bytes(4, 'little')
        while (at := self.data.find(magic, at + 1)) >= 0:
            if at % 8 == 0 and self.data[at + 12:at + 16] == at.to_bytes(4, 'little'): return at
        return None

    def next_valid(self, at):
        i = bisect_left(self.starts, at)
        return self.blocks[i] if i < len(self.blocks) else None

    def boundary_behind(self, at):
        """The nearest place behind the damage at `at` where a group is known to begin or end."""
        behind = self.next_valid(at)
        places = [place for block in self.blocks if behind and block.at >= behind.at
                  for place in (block.group, block.end if block.flags & END else 0)
                  if place >= behind.at]
        return min(places, default=behind and behind.at)

    def is_clean(self, at):
        """Nothing was written from here on: zero, or old bytes of the segment before."""
        if self.header.compatible & 1: return self.magic_behind(at - 1) is None
        return not self.data[at:].strip(b'\0')

    def group(self, at):
        """The blocks of the whole group that begins at `at`, else None."""
        blocks = []
        while (block := self.by_start.get(blocks[-1].end if blocks else at)) and block.group == at:
            blocks.append(block)
            if block.flags & END: return blocks
        return None

    def mended(self, at):
        """The block that one flipped bit makes valid here, and the byte of that bit, else None."""
        data, candidates = self.data, list(range(96))    # magic, CRC and length
        if at + 48 > len(data): return None
        length = u32(data, at + 8)
        if 48 <= length <= 16 * KIB and at + length <= len(data):
            wanted = crc32(data[at + 8:at + length], self.header.seed) ^ u32(data, at + 4)
            effect = 0xEDB88320                          # of the last bit on the CRC, then of those before
            for bit in range(8 * length - 1, 63, -1):
                if effect == wanted: candidates.append(bit)
                effect = effect >> 1 ^ (0xEDB88320 if effect & 1 else 0)
        flipped = bytearray(data[:at + 16 * KIB])
        for bit in candidates:
            flipped[at + bit // 8] ^= 1 << bit % 8
            block = read_block(flipped, self.header, at)
            if isinstance(block, Block): return block, at + bit // 8
            flipped[at + bit // 8] ^= 1 << bit % 8
        return None

    def end_but_for_one_bit(self, at):
        """Where the group at `at` ends, if one flipped bit is all that is wrong from there on."""
        hole = self.run_end(at)
        block, byte = self.mended(hole) or (None, None)
        if not block or not self.is_clean(self.run_end(block.end)): return None
        if block.end not in self.by_start and self.was_cut_off(block, byte): return None
        self.by_start[hole] = block
        group = self.group(at)
        del self.by_start[hole]
        return group[-1].end if group else None

    def was_cut_off(self, block, byte):
        """Whether zero stands from `byte`, or from its sector's start, to the end of the block that a bit of it makes valid."""
        start = byte if block.type in (SYNC, CLEAN) else byte - byte % 512
        return start > block.at and not self.data[start:block.end].strip(b'\0')

    def run_end(self, at):
        """Where the blocks that stand from `at` on without space between them end."""
        while at in self.by_start: at = self.by_start[at].end
        return at
