"""A second reader of qlog's files, written from docs/format.md and docs/guarantees.md alone.

usage: python3 tools/second-reader [--state] DIR    messages of a log or store, counts, verdict
       python3 tools/second-reader FILE             blocks of a segment, or fields of an index

It prints lines of JSON, takes no lock and changes nothing. With --state the records are those of
a store: messages with queue and offset, then what each group has to do, replayed from the first
entry; where entries have gone from the log (stateIsKnown false) only a snapshot has it. Ends with
0 fine, 3 rot, 4 a torn tail, 6 not a log or a newer one, 2 usage: as `qlog verify` does.
"""
import hashlib, json, os, sys

sys.dont_write_bytecode = True

from log import Log, NoLog
from segments import NewerFormat, Segment, TYPES, read_index
from state import State, read_control, read_message


def main(arguments):
    wants_state = '--state' in arguments
    paths = [argument for argument in arguments if argument != '--state']
    if len(paths) != 1 or paths[0].startswith('-') or not os.path.exists(paths[0]):
        print(__doc__, file=sys.stderr)
        return 2
    try:
        return read_directory(paths[0], wants_state) if os.path.isdir(paths[0]) else read_file(paths[0])
    except (NoLog, NewerFormat) as error:
        say(verdict=type(error).__name__, why=str(error))
        return 6


def say(**line):
    print(json.dumps(line))


def read_directory(path, wants_state):
    log, state = Log(path), State()
    messages = controls = 0
    is_whole = log.is_whole
    for batch in log.batches():
        controls += len(batch.controls)
        messages += len(batch.messages)
        put = [(record.id, read_message(record.body)) for record in batch.messages] if wants_state else []
        if wants_state and is_whole: state.apply([read_control(record.body) for record in batch.controls], put)
        for id, message in put:
            say(id=id, queue=getattr(state.queues.get(message.queue), 'name', message.queue), offset=message.offset, **digest(message.body))
        if not wants_state:
            for record in batch.messages: say(id=record.id, timeMs=record.time, **digest(record.body))
    for finding in log.findings: say(**finding._asdict())
    for figures in state.figures(): say(**figures)
    say(verdict={0: 'fine', 3: 'rot', 4: 'torn tail'}[log.exit_code], messages=messages, controls=controls,
        blocks=sum(len(blocks) for _, _, blocks in log.parts), segments=len(log.parts),
        nextId=log.next_id, end=log.end, newest=log.newest and log.newest.name, stateIsKnown=is_whole)
    return log.exit_code


def digest(body):
    return dict(bytes=len(body), sha256=hashlib.sha256(body).hexdigest())


def read_file(path):
    if not path.endswith('.qls'):
        index = read_index(open(path, 'rb').read())
        if not index: raise NoLog('no valid index file')
        say(**{name: value for name, value in index._asdict().items() if isinstance(value, int)},
            parts=[dict(name=name, lsn=lsn, **digest(raw)) for name, (lsn, raw) in index.parts.items()],
            map=[entry._asdict() for entry in index.entries.values()])
        return 0
    segment = Segment(path)
    if not segment.header: raise NoLog('no valid header')
    for block in segment.blocks:
        say(at=block.at, length=block.end - block.at, type=TYPES[block.type - 1], d=block.d, group=block.group,
            flags=block.flags, firstId=block.first_id, timeMs=block.time,
            records=[dict(kind=record.kind, id=record.id, **digest(record.body)) for record in block.records])
    return 0


sys.exit(main(sys.argv[1:]))
