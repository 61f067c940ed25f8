"""Which files are the log, where it ends and what is lost: section 5 of docs/guarantees.md."""
import os, re
from collections import namedtuple
from struct import unpack_from

from segments import BATCH, DATA, MAP, MESSAGE, PAGE, SEAL, Segment, read_index, read_map

# A row of the table of verdicts: in which file, at which bytes, and the ids that are lost by it.
Finding = namedtuple('Finding', 'row file at bytes firstId endId', defaults=(0, 0, 0, 0))
TORN = {'torn-tail', 'hole-above-d', 'partial-group', 'torn-first-group'}


class NoLog(Exception):
    pass


class Log:
    """`parts` is what counts of it, in order: segment, base LSN, blocks. `findings` is the rest."""

    def __init__(self, directory):
        self.findings, self.parts = [], []
        names = sorted(os.listdir(directory))
        paths = [os.path.join(directory, name) for name in names]
        self.segments = [Segment(path) for path in paths
                         if re.fullmatch(r'\d{20}-\d{2,}\.qls', os.path.basename(path))]
        index = self.read_indexes(path for path in paths if os.path.basename(path) in ('index.a', 'index.b'))
        if not self.segments and not index and 'LOCK' not in names: raise NoLog
        self.store = self.find_store(index)
        self.index = index if index and index.store == self.store else None
        self.newest = self.find_newest()
        if self.newest: self.judge_newest()
        else: self.begin_empty()
        for entry in self.map.values(): self.judge_mapped(entry)
        self.parts.sort(key=lambda part: part[1])
        for segment in self.segments: self.judge_other(segment)
        self.judge_seal()
        self.next_id = max([self.next_id] + [finding.endId for finding in self.findings])

    @property
    def exit_code(self):
        rows = {finding.row for finding in self.findings}
        return 3 if any(row.startswith(('rot', 'header', 'index')) for row in rows) else 4 if rows & TORN else 0

    def read_indexes(self, paths):
        indexes = {path: read_index(open(path, 'rb').read()) for path in paths}
        for path, index in indexes.items():
            if not index: self.find('index-file', os.path.basename(path))
        return max((index for index in indexes.values() if index), default=None,
                   key=lambda index: (index.epoch, index.sequence))

    def find_store(self, index):
        headed = [segment for segment in self.segments if segment.header]
        stores = [segment.header.store for segment in headed]
        if index and (not stores or index.store in stores): return index.store
        voters = [segment for segment in headed if segment.link] or headed
        votes = [segment.header.store for segment in voters]

        def weight(segment):
            epoch = segment.link.epoch if segment.link else 0
            return votes.count(segment.header.store), epoch, segment.number

        return max(voters, key=weight).header.store if voters else None

    # The newest segment.

    def find_newest(self):
        begun = [segment for segment in self.segments if self.is_ours(segment) and segment.link
                 and self.is_begun(segment)]
        if not begun: return None
        newest = max(begun, key=lambda segment: (segment.link.epoch, segment.number, segment.generation))
        index = self.index
        if index and (index.epoch < newest.link.epoch or
                      index.number <= newest.number and not is_named(newest, index)):
            self.index = None
        return newest

    def begin_empty(self):
        """No segment has begun: the first one never did, or all are gone."""
        self.end, self.next_id, self.end_id, self.map, self.is_sealed = 0, 1, 1, {}, False
        self.find_missing_newest(0)

    def is_ours(self, segment):
        header = segment.header
        return header and header.store == self.store and \
            (header.number, header.generation) == (segment.number, segment.generation)

    def is_begun(self, segment):
        return segment.group(PAGE) or self.is_claimed(segment) or segment.end_but_for_one_bit(PAGE)

    def is_claimed(self, segment):
        """Something says that more of it than its beginning was durable."""
        index = self.index
        return any(block.d > PAGE for block in segment.blocks) or \
            index and is_named(segment, index) and index.d > PAGE

    def judge_newest(self):
        newest, index = self.newest, self.index
        torn = [segment.link for segment in self.segments if self.is_torn_successor(segment)]
        d = max([PAGE] + [block.d for block in newest.blocks] + [link.cut for link in torn]
                + [index.d for index in [index] if index and is_named(newest, index)])
        later_ids = [link.next_id for link in torn] + \
            [index.next_id for index in [index] if index and is_named(newest, index)]
        self.later_id = max(later_ids, default=None)
        blocks, at = self.read_below(newest, PAGE, d, 'rot-below-d', newest.link.next_id, self.later_id)
        while True:
            if group := newest.group(at):
                blocks, at = blocks + group, group[-1].end
            elif proof := self.proof_of(at):
                row, limit = proof
                more, at = self.read_below(newest, at, limit, row, self.next_of(blocks), None)
                blocks += more
            else: break
        self.end, self.next_id = at, self.next_of(blocks)
        self.end_id = max([self.next_id] + [finding.endId for finding in self.findings])
        self.find_short(newest, self.end_id, max(self.end_id, self.later_id or 0))
        self.note_end(at)
        self.snapshots, self.map = newest.link.snapshots, newest.link.entries
        for block in blocks:
            if block.type == MAP: self.snapshots, self.map = read_map(block.records[0].body)
        self.parts.append((newest, newest.link.base, blocks))
        self.find_missing_newest(newest.number)
        self.is_sealed = blocks and blocks[-1].type == SEAL and newest.link.mode == 0
        if self.later_id: self.next_id = max(self.next_id, self.later_id)

    def find_missing_newest(self, number):
        index = self.index
        if index and index.number > number and not any(may_be(segment, index) for segment in self.segments):
            lost = (self.end_id, max(self.end_id, index.next_id))
            self.find('rot-newest-missing', file_name(index), 0, 0, *lost)

    def judge_seal(self):
        """A sealed segment was followed by another one: it is missing where no file above is rot."""
        if self.is_sealed and not any(finding.file > self.newest.name and finding.row.startswith('rot')
                                      for finding in self.findings):
            self.find('rot-newest-missing', self.newest.name, self.end)

    def is_torn_successor(self, segment):
        link, newest = segment.link, self.newest
        return self.is_ours(segment) and link and not self.is_begun(segment) \
            and link.epoch >= newest.link.epoch \
            and link.before_number == newest.number and link.before_generation <= newest.generation

    def next_of(self, blocks):
        return blocks[-1].next_id if blocks else self.newest.link.next_id

    def proof_of(self, at):
        """A damaged group at `at` that was durable though nothing claims it: its row, and its end."""
        newest, last = self.newest, self.newest.blocks[-1]
        if newest.link.mode == 0 and last.group > at and last.end - at > newest.link.in_flight:
            return 'rot-in-flight', newest.boundary_behind(newest.run_end(at))
        end = newest.end_but_for_one_bit(at)
        return end and ('rot-single-bit', end)

    def note_end(self, at):
        newest = self.newest
        behind = newest.next_valid(at)
        if behind: self.find('partial-group' if behind.at == at else 'hole-above-d', newest.name, at)
        elif not newest.is_clean(at): self.find('torn-tail', newest.name, at)

    def read_below(self, segment, at, limit, row, first_id, end_id):
        """The valid blocks below `limit`, each by itself; what is between them is damage."""
        blocks = []
        while at < limit:
            if block := segment.by_start.get(at):
                blocks.append(block)
                at, first_id = block.end, block.next_id
                continue
            behind = segment.next_valid(at)
            next_at = behind.at if behind and behind.at < limit else limit
            if row == 'rot-below-d' and next_at == limit:
                next_at = max(limit, segment.boundary_behind(at) or 0)
            lost = (first_id, behind.first_id if behind else end_id or first_id)
            reaches_cut = row == 'rot-below-cut' and next_at == limit
            of_file = reaches_cut and segment.is_short
            self.find('rot-short-file' if of_file else row, segment.name, at, next_at - at, *lost)
            at = next_at
        return blocks, at

    def find_short(self, segment, *lost):
        told = [finding[:2] for finding in self.findings]
        if segment.is_short and ('rot-short-file', segment.name) not in told:
            end = len(segment.data)
            self.find('rot-short-file', segment.name, end, segment.header.size - end, *lost)

    # All other files.

    def find(self, *finding):
        self.findings.append(Finding(*finding))

    def judge_mapped(self, entry):
        segment = next((segment for segment in self.segments
                        if (segment.number, segment.generation) == entry[:2]), None)
        if not (segment and segment.header and self.is_ours(segment) and is_named(segment, entry)):
            segment = self.copy_of(entry) or segment
        lost = (0, 0, entry.first_id, entry.end_id)
        if not segment: return self.find('rot-missing', file_name(entry), *lost)
        segment.is_mapped = True
        if not segment.header: return self.find('rot-header', segment.name, *lost)
        if not self.is_ours(segment) or not is_named(segment, entry):
            return self.find('rot-foreign', segment.name, *lost)
        blocks, _ = self.read_below(segment, PAGE, entry.cut, 'rot-below-cut', entry.first_id, entry.end_id)
        self.find_short(segment)
        self.parts.append((segment, entry.base, blocks))

    def copy_of(self, entry):
        """The mended copy that stands for a file which is gone or not what is named, else None."""
        return max((segment for segment in self.segments if self.is_ours(segment)
                    and segment.number == entry.number and segment.generation > entry.generation
                    and (segment.header.salt, segment.header.seed) == (entry.salt, entry.seed)),
                   key=lambda segment: segment.generation, default=None)

    def judge_other(self, segment):
        newest, link = self.newest, segment.link
        if segment.is_mapped or segment is newest:
            if segment.header and not segment.is_header_clean: self.find('header-copy', segment.name)
        elif newest and segment.number <= newest.number: self.find('rubbish', segment.name)
        elif not segment.header: self.find('rot-header', segment.name, 0, 0, *self.lost_above(segment))
        elif not self.is_ours(segment): self.find('rubbish', segment.name)
        elif newest and link and link.epoch < newest.link.epoch: self.find('stale-fork', segment.name)
        elif segment.generation or self.is_claimed(segment):
            self.find('rot-lost-link', segment.name, 0, 0, *self.lost_above(segment))
        elif segment.is_short:
            self.find('rot-short-file', segment.name, 0, 0, *self.lost_above(segment))
        elif segment.is_clean(PAGE): self.find('never-used', segment.name)
        else: self.find('torn-first-group', segment.name)

    def lost_above(self, segment):
        """The ids that stood in a segment above the newest, as far as its blocks and the index tell."""
        ends = [block.next_id for block in segment.blocks]
        if self.index and self.index.number == segment.number: ends.append(self.index.next_id)
        return self.end_id, max([self.end_id] + ends)

    # What stands in it.

    @property
    def is_whole(self):
        """No entry has ever left it: it begins at 0, and nothing was merged or lost."""
        end = 0
        for segment, base, _ in self.parts:
            if base != end: return False
            end = base + segment.header.size
        return True

    def batches(self):
        """Batches in order. What damage left of one with control records is left out."""
        for _, base, blocks in self.parts:
            batch = None
            for block in blocks:
                if block.type != DATA: continue
                if batch and block.records[0].kind != BATCH:
                    yield from batch.rest()
                    batch = None
                for record in block.records:
                    if record.kind == BATCH:
                        sizes, before = unpack_from('<2I', record.body), unpack_from('<2I', record.body, 8)
                        if not batch or (batch.sizes, batch.found) != (sizes, before):
                            if batch: yield from batch.rest()
                            batch = Batch(base + block.at, sizes, before)
                    else:
                        batch = batch or Batch(base + block.at, (1, 0), (0, 0))
                        if batch.add(record): 
                            yield from batch.rest()
                            batch = None
            if batch: yield from batch.rest()


class Batch:
    def __init__(self, lsn, sizes, before):
        self.lsn, self.sizes, self.before = lsn, sizes, before
        self.messages, self.controls = [], []

    @property
    def found(self):
        return self.before[0] + len(self.messages), self.before[1] + len(self.controls)

    def add(self, record):
        """Whether it has come to its end."""
        (self.messages if record.kind == MESSAGE else self.controls).append(record)
        return self.found == self.sizes

    def rest(self):
        if self.sizes[1] == 0 or self.before == (0, 0) and self.found == self.sizes: yield self


def is_named(segment, by):
    """An index or map entry means this very file, or the one that this is a mended copy of."""
    header = segment.header
    return header is not None and header.generation >= by.generation and \
        (header.number, header.salt, header.seed) == (by.number, by.salt, by.seed)


def may_be(segment, by):
    """The same, where the header that would tell is lost, by the file's name."""
    return is_named(segment, by) if segment.header else segment.name == file_name(by)


def file_name(segment):
    return f'{segment.number:020}-{segment.generation:02}.qls'
