"""What a store's entries come to: section 8 of docs/format.md, replayed from the first of them."""
from collections import namedtuple

Message = namedtuple('Message', 'queue offset priority due wall_due expires key_window key_until key headers '
                     'producer sequence after lease body')
SETTING_RETAINS = 6

# The fields of each kind: n number, t text, r ranges, s the settings of a queue.
KINDS = {1: ('open', 'tnnnn'), 2: ('close', ''), 3: ('queue', 'nt'), 4: ('group', 'nntn'),
         5: ('group_removed', 'nn'), 6: ('settings', 'nnnn'), 7: ('lease', 'nnr'), 8: ('finish', 'nnr'),
         9: ('give_back', 'nnr'), 10: ('come_back', 'nnnnnnnnt'), 11: ('bury', 'nnnnnntt'),
         12: ('kick', 'nnnnn'), 13: ('lease_again', 'nnnnn'), 14: ('delete', 'nr'), 15: ('pause', 'nn'),
         16: ('purge', 'n'), 17: ('redrive', 'nnr'), 18: ('seek', 'nnn'), 19: ('queue_settings', 'ns'),
         20: ('forget', 'nn')}


class Fields:
    def __init__(self, raw): self.raw, self.at = raw, 0

    def n(self):
        value = shift = 0
        while True:
            byte = self.raw[self.at]
            self.at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128: break
        if value >= 1 << 53 or shift > 7 and byte == 0: raise ValueError('no number')
        return value

    def t(self):
        length = self.n()
        self.at += length
        if self.at > len(self.raw): raise ValueError('text ends too late')
        return self.raw[self.at - length:self.at].decode()

    def r(self):
        ranges, end = [], 0
        for _ in range(self.n()):
            begin = end + self.n()
            end = begin + self.n()
            ranges.append(range(begin, end))
        return ranges

    def s(self):
        return [self.n() for _ in range(self.n())]


def read_message(raw):
    fields = Fields(raw)
    flags, queue, offset = fields.n(), fields.n(), fields.n()
    if flags >> 9: raise ValueError('unknown flags of a message')

    def when(flag, *kinds):
        values = [getattr(fields, kind)() if flags & flag else None for kind in kinds]
        return values if len(kinds) > 1 else values[0]

    priority = when(1, 'n')
    due, wall_due, expires = when(2, 'n'), when(4, 'n'), when(8, 'n')
    key_window, key_until, key = when(16, 'n', 'n', 't')
    producer, sequence = when(64, 't', 'n')
    after, lease = when(128, 'n'), when(256, 'n')
    headers = {fields.t(): fields.t() for _ in range(fields.n())} if flags & 32 else {}
    return Message(queue, offset, 1024 if priority is None else priority, due, wall_due, expires, key_window,
                   key_until, key, headers, producer, sequence, after, lease, raw[fields.at:])


def read_control(raw):
    fields = Fields(raw)
    name, kinds = KINDS[fields.n()]
    values = [getattr(fields, kind)() for kind in kinds]
    if fields.at != len(raw): raise ValueError('more than the fields of its kind')
    return name, values


class Group:
    """`floor` and `finished`: what it has done. `other`: offset to state and due, of exceptions."""

    def __init__(self, name, floor):
        self.name = name
        self.begin(floor)

    def begin(self, floor):
        self.floor, self.finished, self.leased, self.other = floor, set(), set(), {}

    def has_finished(self, offset):
        return offset < self.floor or offset in self.finished


class Queue:
    def __init__(self, name):
        self.name, self.groups, self.messages, self.retained, self.settings = name, {}, {}, {}, []
        self.next_offset = 0

    def settle(self, offsets):
        """What every group has finished goes, or is retained."""
        for offset in offsets:
            if self.groups and offset in self.messages and \
                    all(group.has_finished(offset) for group in self.groups.values()):
                message = self.messages.pop(offset)
                if self.retains: self.retained[offset] = message
                for group in self.groups.values(): group.other.pop(offset, None)

    @property
    def retains(self):
        return any(self.settings[SETTING_RETAINS:SETTING_RETAINS + 1])

    def drop(self, offsets):
        for offset in offsets:
            self.messages.pop(offset, None)
            self.retained.pop(offset, None)
            for group in self.groups.values():
                group.other.pop(offset, None)
                group.leased.discard(offset)


class State:
    """Each method that KINDS names applies one control record."""

    def __init__(self): self.queues, self.elapsed, self.is_closed = {}, 0, True

    def apply(self, controls, messages):
        """One entry; `messages` are pairs of id and Message."""
        for name, values in controls: getattr(self, name)(*values)
        for id, message in messages:
            queue = self.queues[message.queue]
            queue.next_offset = message.offset + 1
            queue.messages[message.offset] = message
            queue.settle([message.offset])

    def group_of(self, queue, group):
        """Everything about groups that are gone is passed over: it happens to one that is thrown away."""
        return self.queues[queue].groups.get(group) or Group('', 0)

    def open(self, boot, boot_elapsed, elapsed, wall, unclean_below):
        is_again = not self.is_closed and unclean_below == self.unclean_below
        self.elapsed, self.is_closed, self.unclean_below = elapsed, False, unclean_below
        if is_again: return
        for queue in self.queues.values():
            for group in queue.groups.values(): group.leased.clear()

    def close(self): self.is_closed = True

    def queue(self, number, name): self.queues[number] = Queue(name)

    def group(self, number, group, name, floor):
        self.queues[number].groups[group] = Group(name, floor)
        self.begin_at(number, floor)

    def begin_at(self, number, floor):
        """A group begins here: what is retained from there on is a message again."""
        queue = self.queues[number]
        for offset in [offset for offset in queue.retained if offset >= floor]:
            queue.messages[offset] = queue.retained.pop(offset)
        queue.settle(list(queue.messages))

    def group_removed(self, number, group):
        queue = self.queues[number]
        queue.groups.pop(group, None)
        queue.settle(list(queue.messages))

    def settings(self, *_): pass
    def pause(self, *_): pass

    def lease(self, number, group, ranges):
        for offsets in ranges: self.group_of(number, group).leased.update(offsets)

    def lease_again(self, number, group, offset, id, priority):
        self.move(number, group, offset, 'ready', 0)
        self.group_of(number, group).leased.add(offset)

    def give_back(self, number, group, ranges):
        for offsets in ranges: self.group_of(number, group).leased.difference_update(offsets)

    def finish(self, number, group, ranges):
        group = self.group_of(number, group)
        for offsets in ranges:
            group.finished.update(offset for offset in offsets if offset >= group.floor)
            group.leased.difference_update(offsets)
            for offset in offsets: group.other.pop(offset, None)
            self.queues[number].settle(offsets)

    def move(self, number, group, offset, state, due):
        group = self.group_of(number, group)
        group.leased.discard(offset)
        if offset in self.queues[number].messages and not group.has_finished(offset):
            group.other[offset] = (state, due)

    def come_back(self, number, group, offset, id, priority, how, due_kind, due, error):
        self.move(number, group, offset, 'delayed' if due_kind else 'ready', due)

    def bury(self, number, group, offset, *_): self.move(number, group, offset, 'buried', 0)

    def kick(self, number, group, offset, *_): self.move(number, group, offset, 'ready', 0)

    def redrive(self, number, group, ranges):
        other = self.group_of(number, group).other
        for offset, (state, _) in list(other.items()):
            if state == 'buried' and any(offset in offsets for offsets in ranges):
                other[offset] = ('ready', 0)

    def seek(self, number, group, floor):
        self.group_of(number, group).begin(floor)
        self.begin_at(number, floor)

    def delete(self, number, ranges):
        for offsets in ranges: self.queues[number].drop(offsets)

    def purge(self, number):
        self.queues[number].drop([*self.queues[number].messages, *self.queues[number].retained])

    def queue_settings(self, number, settings):
        queue = self.queues[number]
        queue.settings = settings
        if not queue.retains: queue.retained.clear()

    def forget(self, number, below):
        queue = self.queues[number]
        for offset in [offset for offset in queue.retained if offset < below]: del queue.retained[offset]

    def figures(self):
        for number, queue in self.queues.items():
            yield dict(queue=queue.name, nextOffset=queue.next_offset, messages=len(queue.messages),
                       retained=len(queue.retained),
                       groups={group.name: self.count(queue, group) for group in queue.groups.values()})

    def count(self, queue, group):
        """Whether a due time has come only a clock can tell: what has one counts as delayed."""
        counts = dict(ready=0, delayed=0, leased=0, buried=0)
        for offset, message in queue.messages.items():
            if group.has_finished(offset): continue
            has_due = message.due is not None or message.wall_due is not None
            state, _ = group.other.get(offset, ('delayed' if has_due else 'ready', 0))
            counts['leased' if offset in group.leased else state] += 1
        return counts | dict(finished=queue.next_offset - sum(counts.values()))
